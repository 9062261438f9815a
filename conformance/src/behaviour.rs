//! The behaviours by number: what the contract's clauses come to, in the order and words of the contract document.

use crate::claims::Need;

/// One behaviour. There is one case for each, of the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behaviour {
    /// Its number, from 1; numbers are never given anew.
    pub number: u8,
    /// What it is about; the first part of the case's name.
    pub group: Group,
    /// The claim that the case proves, as a test's name.
    pub name: &'static str,
    /// The clauses of the driver trait that it follows from.
    pub clauses: &'static [&'static str],
    /// What the driver must claim for it to apply.
    pub need: Need,
}

/// What a behaviour is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Making, removing, listing.
    LifeCycle,
    /// What bytes are where.
    Data,
    /// Images in and out.
    Images,
    /// Clients.
    Attach,
    /// Many calls at once, and hosts that die.
    Concurrency,
    /// What the scheduler is told.
    Stats,
    /// What only some drivers can do.
    Declared,
    /// Sequences by chance, against a model of the whole contract.
    Model,
}

impl Group {
    /// As in the names of cases.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LifeCycle => "life_cycle",
            Self::Data => "data",
            Self::Images => "images",
            Self::Attach => "attach",
            Self::Concurrency => "concurrency",
            Self::Stats => "stats",
            Self::Declared => "declared",
            Self::Model => "model",
        }
    }
}
