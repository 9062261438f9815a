//! The points of death: between every two effects of the manager there is one, by name.
//!
//! In service they do nothing. Tests have a process die at one, a simulation decides at each what happens next, and
//! docs/recovery.md says for each what is true then and what becomes of it; a test holds the three together.

use std::{fmt, str::FromStr};

macro_rules! points {
    ($($(#[$doc:meta])* $point:ident = $name:literal,)*) => {
        /// A point between two effects.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Point {
            $($(#[$doc])* $point,)*
        }

        impl Point {
            /// All of them, in the order in which an operation comes to them.
            pub const ALL: &[Self] = &[$(Self::$point),*];

            /// Its name, in commands and documents.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$point => $name,)*
                }
            }
        }
    };
}

points! {
    /// The request is validated, placed and written, and nothing of it committed.
    Logged = "intake.logged",
    /// The request is durable; nobody was woken or told.
    TakenIn = "intake.taken-in",
    /// The host was woken; the client has not heard.
    Rung = "intake.rung",
    /// Due operations were seen, none claimed.
    Due = "host.due",
    /// Operations were chosen and marked, and nothing of it committed.
    Marked = "host.marked",
    /// Operations are claimed; nothing was asked of the backend.
    Claimed = "host.claimed",
    /// The backend was looked at; nothing was asked of it.
    Inspected = "host.inspected",
    /// One of several driver calls of the operation has ended well; the next was not made.
    Between = "host.between",
    /// The backend has done it; the host has not committed that.
    Performed = "host.performed",
    /// The call could not be made; that it is tried again later is written, and not committed.
    Deferring = "host.deferring",
    /// That it is tried again later is durable.
    Deferred = "host.deferred",
    /// The outcome is written, and not committed.
    Concluded = "host.concluded",
    /// The outcome is durable; nobody was woken.
    Committed = "host.committed",
    /// The API was woken.
    Told = "host.told",
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Not the name of a point.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no point {0:?}")]
pub struct UnknownPoint(String);

impl FromStr for Point {
    type Err = UnknownPoint;
    fn from_str(text: &str) -> Result<Self, UnknownPoint> {
        let found = Self::ALL.iter().find(|point| point.name() == text);
        found.copied().ok_or_else(|| UnknownPoint(text.to_owned()))
    }
}
