//! What earlier runs tell: which of the supposed ways are real, which the folders do not show, and which jobs have
//! passed on these very inputs.

use std::collections::BTreeMap;

use super::{Cause, Decision, Planner, Proof, Scope, State, Step, ways::Way};
use crate::{
    affected::{
        changes::{Changes, Found},
        git::is_looked_for,
        jobs::JOBS_FILE,
        path::RepoPath,
        tree::Tree,
    },
    evidence::record::Record,
};

/// What is known from earlier runs. Nothing, where nobody recorded any: then all rests on folders and dependencies.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// For a job (by its place in the table) a run of which every input is the same at the base.
    pub observed: BTreeMap<usize, Record>,
    /// For a job a run of which every input, the machine too, is the same at head, and that passed.
    pub proofs: BTreeMap<usize, (Proof, Record)>,
    /// For a job a run that passed on the same machine, and of which only sources differ at head: if its programs come out
    /// the same, it would pass again.
    pub near: BTreeMap<usize, (Proof, Record)>,
    /// What there was before the change.
    pub base: Tree,
    /// What there is now.
    pub head: Tree,
}

impl Planner<'_> {
    /// Holds the ways against what the jobs were seen to read. A job that was not seen keeps all of its ways; one that was
    /// keeps those that somebody said, and the supposed ones if it read the path. What it read and nobody supposed is
    /// added: also where a record cannot tell that the path does not matter.
    pub(super) fn sifted(&self, path: &RepoPath, mut ways: Vec<Way>) -> Vec<Way> {
        let Known { observed, base, head, .. } = &*self.evidence;
        let beyond = !observed.is_empty() && self.is_beyond_records(path);
        for (&job, record) in observed {
            let built = |name: &String| record.packages.iter().any(|package| is_of(package, name));
            ways.retain(|way| beyond || way.job != job || way.crates.is_empty() || way.crates.iter().any(built));
            let read = record.touched(path, base, head);
            let governed = record.governed_otherwise(path, base, head) || self.is_governed_by_name(job, path);
            if let Some(read) = read {
                // "Nothing places it" is no longer the reason.
                ways.retain(|way| way.job != job || way.steps != [Step::Unplaced]);
                if !ways.iter().any(|way| way.job == job) {
                    ways.push(Way::said(job, Scope::Own, vec![Step::Observed(read.clone())]));
                }
            } else if !beyond && !governed {
                ways.retain(|way| way.job != job || way.said || self.is_in_own_folder(job, path));
            }
        }
        ways
    }

    /// What a record cannot speak of: files that cargo finds by their names when they come, files that say what runs, and
    /// what is staged in another form than either tree has.
    fn is_beyond_records(&self, path: &RepoPath) -> bool {
        let Known { base, head, .. } = &*self.evidence;
        let comes_or_goes = base.has(path) != head.has(path);
        (comes_or_goes && is_looked_for(path)) || base.get(path) == head.get(path)
    }

    /// Whether the job's run is told what to do by this path, without reading it under the eyes of a tracer: the planner's
    /// and xtask's own files, and the toolchain's, which rustup reads before cargo is there.
    fn is_governed_by_name(&self, job: usize, path: &RepoPath) -> bool {
        let (name, folder) = path.name_and_folder();
        path.as_bytes() == JOBS_FILE.as_bytes()
            || matches!(name, b"job.toml" | b"rust-toolchain" | b"rust-toolchain.toml")
            || (folder == b".config" && self.table.jobs[job].own_command().is_none())
    }

    /// A change of a driver's own folder always runs its job, whatever it read.
    fn is_in_own_folder(&self, job: usize, path: &RepoPath) -> bool {
        let brought_by = self.table.jobs[job].brought_by.as_ref().and_then(|name| self.workspace.member(name));
        let folder = brought_by.and_then(|package| self.workspace.packages[package].directory.as_deref());
        folder.is_some_and(|folder| path.below(folder).is_some())
    }

    /// Whether a rule or the job itself says that a path matters which the run of its proof did not know.
    pub(super) fn disproves(&self, job: usize, cause: &Cause) -> bool {
        self.evidence.proofs.get(&job).is_some_and(|(_, record)| is_unknown(cause, record))
    }

    /// The run that proves a job that is to run, if its programs come out the same.
    #[must_use]
    pub fn near(&self, job: &str, changes: &Changes) -> Option<&(Proof, Record)> {
        let index = self.table.jobs.iter().position(|known| known.name == job)?;
        let near = self.evidence.near.get(&index)?;
        let Found::Paths { paths, links } = &changes.found else { return None };
        let mut causes = paths.iter().flat_map(|path| self.causes(path, links));
        (!causes.any(|(of, cause)| of == index && is_unknown(&cause, &near.1))).then_some(near)
    }

    /// Takes a job back that has passed on the same inputs, where its team wants that.
    pub(super) fn unless_proved(&self, job: usize, decision: Decision) -> Decision {
        match self.evidence.proofs.get(&job) {
            Some((proof, _)) if decision.state == State::Run => {
                Decision { state: State::Proved, proof: Some(proof.clone()), ..decision }
            }
            _ => decision,
        }
    }
}

/// Whether somebody names the path, and the run did not know it.
fn is_unknown(cause: &Cause, record: &Record) -> bool {
    let said = cause.steps.iter().any(|step| matches!(step, Step::Rule(_) | Step::Reads(_)));
    said && !record.knows(&cause.path)
}

/// Whether `package`, which is `name version`, has this name.
fn is_of(package: &str, name: &str) -> bool {
    package.split_once(' ').is_some_and(|(of, _)| of == name)
}

#[cfg(test)]
mod tests;
