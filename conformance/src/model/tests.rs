//! What the model is worth: drivers that are broken on purpose are found, and shown in a few steps.

use std::sync::Arc;

use super::{
    search::{Failure, find},
    sequence::Flavour,
};
use crate::{mutants, stage::Stage, subject::Subject};

/// Searches a driver for a sequence that does not follow the model, in so many.
async fn search(subject: impl Subject + 'static, flavour: Flavour, count: u32) -> Option<Failure> {
    let subject: Arc<dyn Subject> = Arc::new(subject);
    let stage = Stage::raise(&subject, 1).await.expect("memory is always there");
    find(&stage, flavour, Some(count)).await.expect("memory is always there")
}

/// The mutant must be found, and shown in at most so many steps. The check and the taking down that end every sequence
/// are steps, too.
async fn check(name: &str, flavour: Flavour, most: usize) {
    let mutant = mutants::all().into_iter().find(|mutant| mutant.name == name).expect("there is such a mutant");
    let failure = search(mutant, flavour, 100).await.expect("it does not follow the model");
    let report = failure.report("memory", 63);
    assert!(failure.steps.len() <= most, "{} steps, not {most}:\n{report}", failure.steps.len());
}

macro_rules! found {
    ($($name:ident: $flavour:ident, $most:literal;)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            check(stringify!($name), Flavour::$flavour, $most).await;
        }
    )*};
}

/// Of what breaks below or around a driver, that which shows only when calls come together.
mod found_in_a_few_steps {
    use super::{Flavour, check};

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
    }
}
