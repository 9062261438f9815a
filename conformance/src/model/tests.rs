//! What the model is worth: drivers that are broken on purpose are found, and shown in a few steps.

use std::sync::Arc;

use ashlar_common::stats::Provisioning;
use proptest::strategy::ValueTree;

use super::{
    player,
    search::{Failure, draw, find},
    sequence::Flavour,
};
use crate::{
    memory::{MemorySubject, Settings},
    mutants::{self, Mutant},
    stage::Stage,
    subject::Subject,
};

/// Searches a driver for a sequence that does not follow the model, in so many.
async fn search(subject: impl Subject + 'static, flavour: Flavour, count: u32) -> Option<Failure> {
    let subject: Arc<dyn Subject> = Arc::new(subject);
    let stage = Stage::raise(&subject, 1).await.expect("memory is always there");
    find(&stage, flavour, Some(count)).await.expect("memory is always there")
}

/// A mutant of the suite.
fn mutant(name: &str) -> Mutant {
    mutants::all().into_iter().find(|mutant| mutant.name == name).expect("there is such a mutant")
}

/// The mutant must be found, and shown in at most so many steps. The check and the taking down that end every sequence
/// are steps, too.
async fn check(mutant: Mutant, flavour: Flavour, most: usize) {
    let failure = search(mutant, flavour, 100).await.expect("it does not follow the model");
    let report = failure.report("memory", 63);
    assert!(failure.steps.len() <= most, "{} steps, not {most}:\n{report}", failure.steps.len());
}

macro_rules! found {
    ($($name:ident: $flavour:ident, $most:literal;)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            check(mutant(stringify!($name)), Flavour::$flavour, $most).await;
        }
    )*};
}

/// Of what breaks below or around a driver, that which shows only when calls come together.
mod found_in_a_few_steps {
    use super::{Flavour, check, mutant};

    found! {
        create_again_makes_it_anew: Faults, 4;
        delete_detaches_first: Plain, 5;
        list_misses_the_last_volume: Plain, 1;
        old_pages_reappear: Plain, 9;
        grown_bytes_are_not_zero: Plain, 4;
        snapshot_follows_its_volume: Plain, 6;
        snapshot_again_takes_new_bytes: Faults, 6;
        snapshot_takes_shared_pages_with_it: Plain, 8;
        clone_shares_bytes: Plain, 6;
        delete_takes_shared_pages: Plain, 8;
        larger_copy_ends_in_junk: Plain, 5;
        smaller_copy_is_cut: Plain, 5;
        revert_brings_the_old_size: Plain, 6;
        sync_is_not_durable: Kills, 8;
        attach_again_gives_another_connection: Faults, 5;
        old_connection_still_opens: Plain, 6;
        detach_of_one_ends_all: Plain, 5;
        exclusive_attachments_are_counted_too_early: AtOnce, 5;
        delete_forgets_one_in_ten: Plain, 25;
        revert_loses_other_snapshots: Plain, 7;
        stopped_create_leaves_half: Faults, 2;
        killed_create_leaves_half: Kills, 2;
        two_creates_at_once_both_made_it: AtOnce, 2;
    }
}

/// What is never drawn is never found: every call must do its work in some sequence, and be cut in another.
#[tokio::test(flavor = "multi_thread")]
async fn every_call_is_drawn_and_does_its_work() {
    let calls = ["create v", "delete v", "extend v", "snapshot s", "delete snapshot s", "from snapshot", "clone v"];
    let more = ["revert v", "attach v", "detach a", "detach all", "copy an image", "to an image"];
    for (flavour, ends) in [
        (Flavour::Plain, &[" -> changed"][..]),
        (Flavour::Faults, &["its answer lost -> outcome unknown", "cancelled meanwhile -> outcome unknown"]),
        (Flavour::Kills, &["the host killed meanwhile -> outcome unknown"]),
    ] {
        let steps = steps_of(flavour, 60).await;
        for call in calls.iter().chain(&more) {
            let ended = |step: &&String| step.contains(call) && ends.iter().any(|end| step.ends_with(end));
            assert!(steps.iter().any(|step| ended(&step)), "{flavour:?}: no {call:?} of {} has {ends:?}", steps.len());
        }
    }
}

/// The steps of many sequences on the honest driver, which follows the model.
async fn steps_of(flavour: Flavour, count: u64) -> Vec<String> {
    let subject: Arc<dyn Subject> = Arc::new(MemorySubject::new("memory", Settings::new(Provisioning::Thin)));
    let mut steps = Vec::new();
    for seed in 1..=count {
        let stage = Stage::raise(&subject, seed).await.expect("memory is always there");
        let sequence = draw(seed, flavour).expect("a sequence").current();
        let played = player::play(&stage, flavour, &sequence).await;
        assert!(played.held.is_ok(), "{:?} after {:#?}", played.held, played.steps);
        steps.extend(played.steps);
    }
    steps
}
