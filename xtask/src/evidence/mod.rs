//! Evidence: what a job really read in an earlier run, and whether it passed.
//!
//! A [`record::Record`] names every path that was opened, listed or looked for and not found, each with what git says of
//! its contents. Where all of them are the same in another tree, the same job would read the same there: so a change of
//! any other path cannot reach it. Where it passed besides, it would pass again.
//!
//! ```text
//! record:  job_run (traced) ──> inputs ──> record ──> store
//! show:    store, work tree ──> show
//! plan:    store, base, head ──> recall ──> the planner
//! ```

pub mod command;
pub mod cutoff;
pub mod facts;
pub mod inputs;
pub mod recall;
pub mod record;
pub mod show;
pub mod store;
pub mod untracked;

mod built;
mod job_run;
mod links;
mod recorder;
mod scripts;
