//! Which jobs a change really needs: measured, not planned.
//!
//! A job is needed when one of these holds, and the reason is kept:
//! - **built**: cargo builds a unit of the job anew, builds one more, or one less, or cannot build it any more. Each job
//!   has its own target folder and starts from the base's build.
//! - **read**: a changed path is among what the job's programs read, listed, or looked for in vain, at the base; taken
//!   from a trace of system calls.
//! - **outcome**: other tests pass or fail than at the base.
//! - **defined**: its row in the job table differs, or the case edits a file that defines all jobs.
//!
//! It is blunt on purpose: a comment in a source is a rebuild, so the job counts as needed. And it has limits: a trace
//! shows what was read at the base, by one run, on one machine.

mod changed;
mod measure;
mod outcome;
mod reads;
mod units;

pub(super) use changed::{Change, changes};
pub(super) use measure::{Baseline, Need, measure};

/// The packages of which cargo says that it built something, in what it printed with `--message-format json`.
pub(super) fn rebuilt_packages(messages: &[u8]) -> std::collections::BTreeSet<String> {
    units::Units::parse(messages).built_packages()
}
