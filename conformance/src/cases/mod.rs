//! A case for each behaviour, in files by what they are about.

use std::{future::Future, pin::Pin};

use crate::{behaviour::Behaviour, outcome::Held, stage::Stage};

pub mod attach;
pub mod bytes;
mod change;
mod change_state;
pub mod concurrency;
pub mod copies;
pub mod fencing;
pub mod full;
pub mod hostile;
pub mod hosts;
pub mod interrupted;
mod interruption;
pub mod life_cycle;
pub mod slow;
pub mod snapshots;

/// A behaviour, and what proves it.
#[derive(Clone, Copy)]
pub struct Case {
    /// What is proven.
    pub behaviour: Behaviour,
    /// How.
    pub run: fn(&Stage) -> Run<'_>,
}

/// A case under way.
pub type Run<'s> = Pin<Box<dyn Future<Output = Held> + Send + 's>>;

/// Every case, by number.
#[must_use]
pub fn all() -> Vec<Case> {
    let groups = [
        life_cycle::CASES,
        hostile::CASES,
        full::CASES,
        bytes::CASES,
        snapshots::CASES,
        copies::CASES,
        attach::CASES,
        fencing::CASES,
        concurrency::CASES,
        interrupted::CASES,
        hosts::CASES,
        slow::CASES,
    ];
    let mut all: Vec<Case> = groups.into_iter().flatten().copied().collect();
    all.sort_by_key(|case| case.behaviour.number);
    all
}
