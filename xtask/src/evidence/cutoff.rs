//! Early cut-off: sources changed, and the programs came out byte for byte as in a run that passed. The job would do the
//! same again, so that the build is enough of an answer.
//!
//! It is built where it was recorded, since programs hold the names of the folders that they were built in.

use std::path::Path;

use anyhow::Result;

use super::{job_run::JobRun, record::Record, recorder::folder, untracked::sha256};
use crate::{
    affected::{cargo::Cargo, jobs::Job},
    test::runner::Runner,
};

/// Builds the job as for its record, and says whether all that its tests ran is what it was then. `false` also where it
/// does not compile: then its run will show that.
///
/// # Errors
/// The build cannot be started, or somebody asked to stop.
pub fn comes_out_the_same(runner: &Runner, cargo: &Cargo, job: &Job, record: &Record) -> Result<bool> {
    if job.own_command().is_some() || record.produced.is_empty() {
        return Ok(false);
    }
    let (target, _held) = folder(cargo)?;
    let run = JobRun { runner, cargo, target: &target, top: &cargo.root };
    Ok(run.rebuild(job)? && is_the_same(record, &target))
}

fn is_the_same(record: &Record, target: &Path) -> bool {
    record.produced.iter().all(|(path, digest)| sha256(&target.join(path)).is_ok_and(|now| now == *digest))
}
