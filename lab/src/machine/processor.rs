//! Which processor a machine runs on.
//!
//! User-mode Linux is one process that traces those in which its programs run: at every system call and page fault of theirs
//! the two take turns. On one processor that is a switch; on two, each turn wakes up the other, and inside of a virtual
//! machine that takes several times as long. So a machine keeps to one processor, and there are as many as processors.

use rustix::thread::{CpuSet, sched_getaffinity};

/// The processor for the machine of this number, as `taskset` counts; `None` where the system does not tell which there are.
pub(super) fn of(machine: usize) -> Option<usize> {
    let may = sched_getaffinity(None).ok()?;
    let all: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|processor| may.is_set(*processor)).collect();
    all.get(machine.checked_rem(all.len())?).copied()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, thread::available_parallelism};

    use super::of;

    #[test]
    fn as_many_machines_as_processors_have_one_each() {
        let count = available_parallelism().unwrap().get();
        let all: BTreeSet<_> = (0..count).map(|machine| of(machine).unwrap()).collect();
        assert!(all.len() == count || count < 2, "{count} machines on {all:?}");
        assert_eq!(of(0), of(all.len()));
    }
}
