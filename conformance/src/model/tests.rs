//! What the model is worth: drivers that are broken on purpose are found, and shown in a few steps.

use std::{collections::BTreeSet, sync::Arc};

use ashlar_common::stats::Provisioning;

use super::{
    search::{Failure, find},
    sequence::Flavour,
};
use crate::{
    memory::{Fault, MemorySubject, Settings},
    stage::Stage,
    subject::Subject,
};

/// More sequences than a broken driver should need.
const MANY: u32 = 200;

/// Searches a driver for a sequence that does not follow the model.
async fn search(subject: impl Subject + 'static, flavour: Flavour) -> Option<Failure> {
    let subject: Arc<dyn Subject> = Arc::new(subject);
    let stage = Stage::raise(&subject, 1).await.expect("memory is always there");
    find(&stage, flavour, Some(MANY)).await.expect("memory is always there")
}

/// The driver must be found, in at most so many steps, the last check and the taking down not counted, and for this reason.
async fn check(subject: impl Subject + 'static, flavour: Flavour, most: usize, reason: &str) {
    let failure = search(subject, flavour).await.expect("it does not follow the model");
    let report = failure.report("memory", 63);
    println!("{report}");
    assert!(failure.steps.len() <= most, "{} steps, not {most}:\n{report}", failure.steps.len());
    assert!(failure.why.contains(reason), "not {reason}:\n{report}");
}

fn broken(fault: Fault) -> MemorySubject {
    MemorySubject::new("memory", Settings { fault: Some(fault), ..Settings::new(Provisioning::Thin) })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_follows_writes_is_found() {
    check(broken(Fault::SnapshotFollows), Flavour::Plain, 5, "snapshot s0 of").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_that_shares_its_bytes_is_found() {
    check(broken(Fault::CloneShares), Flavour::Plain, 5, "there should be zero").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_of_removed_volumes_are_found() {
    check(broken(Fault::OldPagesReappear), Flavour::Plain, 7, "there should be zero").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dirty_tail_is_found() {
    check(broken(Fault::GrownBytesAreNotZero), Flavour::Plain, 3, "there should be zero").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dbg() {
    let subject: Arc<dyn Subject> = Arc::new(MemorySubject::new("memory", Settings::new(Provisioning::Thin)));
    for seed in 1..4 {
        let stage = Stage::raise(&subject, seed).await.expect("memory");
        let steps = super::search::show(&stage, Flavour::Plain, seed).await;
        println!("---\n{}", steps.join("\n"));
    }
}
