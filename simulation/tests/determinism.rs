//! A seed is all that decides: without that, no failure could be replayed.

use std::collections::BTreeSet;

use ashlar_simulation::{plan::Plan, run::run};

#[test]
fn a_seed_gives_the_same_trace_each_time() {
    for seed in 0..40 {
        let (first, second) = (run(Plan::of(seed), true), run(Plan::of(seed), true));
        assert_eq!(first.trace, second.trace, "seed {seed}");
        assert_eq!(first.digest, second.digest, "seed {seed}");
    }
}

#[test]
fn other_threads_do_not_change_it() {
    let alone: Vec<u64> = (0..20).map(|seed| run(Plan::of(seed), false).digest).collect();
    let busy: Vec<_> = (0..20).map(|seed| std::thread::spawn(move || run(Plan::of(seed), false).digest)).collect();
    let together: Vec<u64> = busy.into_iter().map(|thread| thread.join().expect("no panic")).collect();
    assert_eq!(alone, together);
}

#[test]
fn seeds_differ() {
    let digests: BTreeSet<u64> = (0..20).map(|seed| run(Plan::of(seed), false).digest).collect();
    assert_eq!(digests.len(), 20);
}
