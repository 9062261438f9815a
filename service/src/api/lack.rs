//! What there may be too little of, and how often requests were refused for it.

use std::sync::atomic::{AtomicU64, Ordering};

/// What there was too little of for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lack {
    /// Places among those worked on.
    Work,
    /// Places among the lists that are made.
    Lists,
    /// Places among those that wait for hosts.
    HostCalls,
    /// Memory for bodies.
    Bodies,
    /// Memory for answers.
    Answers,
    /// Room in the store's queue of writers.
    Writers,
    /// The client's speed.
    Speed,
}

impl Lack {
    const ALL: [Self; 7] =
        [Self::Work, Self::Lists, Self::HostCalls, Self::Bodies, Self::Answers, Self::Writers, Self::Speed];

    /// Its name in the metrics.
    fn name(self) -> &'static str {
        match self {
            Self::Work => "work",
            Self::Lists => "lists",
            Self::HostCalls => "host_calls",
            Self::Bodies => "bodies",
            Self::Answers => "answers",
            Self::Writers => "writers",
            Self::Speed => "speed",
        }
    }

    /// What the client hears.
    pub(crate) fn said(self) -> &'static str {
        match self {
            Self::Work => "too many requests at once: ask again later",
            Self::Lists => "too many lists at once: ask again later, or for fewer entries",
            Self::HostCalls => "too many requests wait for backends: ask again later",
            Self::Bodies => "too many bodies at once: ask again later",
            Self::Answers => "too many answers that nobody reads: ask again later, or for fewer entries",
            Self::Writers => "too many changes at once: ask again later",
            Self::Speed => "the body came too slowly: send it at once",
        }
    }
}

/// How often there was too little of each.
#[derive(Debug, Default)]
pub(crate) struct Lacks([AtomicU64; Lack::ALL.len()]);

impl Lacks {
    pub(crate) fn count(&self, lack: Lack) {
        self.0[lack as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Each name with its count.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Lack::ALL.into_iter().map(|lack| (lack.name(), self.0[lack as usize].load(Ordering::Relaxed)))
    }
}
