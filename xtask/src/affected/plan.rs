//! The decision: which jobs run, and for each the shortest way from a changed path to it. Pure.

use std::{
    borrow::Cow,
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use self::known::Known;
use super::{
    changes::{Changes, Found},
    graph::{PackageIndex, Reach, Workspace},
    jobs::{Job, JobTable, OnCommonChange},
    mentions::index::Index,
    path::RepoPath,
    shape::place::Manifests,
};

/// What to run for a change, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What was compared, for people.
    pub compared: String,
    /// How many paths changed.
    pub changed_paths: usize,
    /// Set where the change could not be known, so that every job runs: the reason, and the command that mends it.
    pub every_job: Option<(String, String)>,
    /// One for each job of the table, in its order.
    pub jobs: Vec<Decision>,
}

/// What becomes of one job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The job.
    pub job: Job,
    /// Whether it runs.
    pub state: State,
    /// Whether its failure stops this change.
    pub voting: bool,
    /// The shortest way to it; `None` where nothing reaches it, or where every job runs.
    pub cause: Option<Cause>,
    /// The run that makes this one needless; set where, and only where, the state is [`State::Proved`].
    pub proof: Option<Proof>,
}

/// A run of the same job on the same inputs, that passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The record of it.
    pub record: String,
    /// The commit that it ran on.
    pub commit: String,
    /// When it ended, in seconds since 1970.
    pub ended: u64,
}

/// Whether a job runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Nothing that changed reaches it.
    Unaffected,
    /// Reached, but only over common code, and its team chose `on-common-change = "skip"`.
    Skipped,
    /// Reached, but it passed on the same inputs before.
    Proved,
    /// It runs.
    Run,
}

impl State {
    /// Whether it is to be run.
    #[must_use]
    pub fn runs(self) -> bool {
        match self {
            Self::Run => true,
            Self::Skipped | Self::Proved | Self::Unaffected => false,
        }
    }
}

/// A changed path and the way from it to a job.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cause {
    /// Whether the job is reached over another's code alone.
    pub scope: Scope,
    /// The way, from just behind the path to just before the job.
    pub steps: Vec<Step>,
    /// The changed path.
    pub path: RepoPath,
}

/// Whose change it is, seen from a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// The job's own packages, what it reads, or something whose reach is not known: policy has no say.
    Own,
    /// Packages that the job's packages depend on: the job's policy decides.
    Common,
}

/// One step of a way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A symbolic link leads to the path.
    Link(RepoPath),
    /// The path belongs to this package, or this package depends on the one before.
    Package(String),
    /// Tests of this package depend on the one before.
    TestsOf(String),
    /// The job says that it reads paths like this.
    Reads(String),
    /// A rule places the path; its reason.
    Rule(String),
    /// A manifest or the lock file says this otherwise.
    Manifest(String),
    /// The same, of something that reaches every package.
    EveryPackage(String),
    /// Manifests could not be compared: why.
    Uncompared(String),
    /// The job read this path in an earlier run, which is still true of it: the changed path, or a folder that shows it.
    Observed(RepoPath),
    /// This source names the path.
    Named(RepoPath),
    /// This source climbs out of its package and may read anything.
    Climbs(RepoPath),
    /// No rule and no package places the path.
    Unplaced,
}

type Ways = Rc<BTreeMap<PackageIndex, Vec<PackageIndex>>>;

/// Plans changes of one workspace.
pub struct Planner<'a> {
    workspace: &'a Workspace,
    table: &'a JobTable,
    manifests: Manifests,
    evidence: Cow<'a, Known>,
    mentions: Cow<'a, Index>,
    known: RefCell<BTreeMap<(PackageIndex, Reach), Ways>>,
}

impl<'a> Planner<'a> {
    /// A planner for this workspace and these jobs.
    #[must_use]
    pub fn new(workspace: &'a Workspace, table: &'a JobTable) -> Self {
        Self {
            workspace,
            table,
            manifests: Manifests::Untouched,
            evidence: Cow::default(),
            mentions: Cow::default(),
            known: RefCell::default(),
        }
    }

    /// The same, told what the changed manifests came to.
    #[must_use]
    pub fn with(self, manifests: Manifests) -> Self {
        Self { manifests, ..self }
    }

    /// The same, told what sources say of paths outside their packages.
    #[must_use]
    pub fn minding(self, mentions: Cow<'a, Index>) -> Self {
        Self { mentions, ..self }
    }

    /// The same, told what the jobs read in earlier runs.
    #[must_use]
    pub fn knowing(self, evidence: Cow<'a, Known>) -> Self {
        Self { evidence, ..self }
    }

    /// The plan for a change. Every path is judged alone and can only add jobs.
    #[must_use]
    pub fn plan(&self, changes: &Changes) -> Plan {
        let (paths, links) = match &changes.found {
            Found::Paths { paths, links } => (paths, links),
            Found::Unknown { reason, mend } => return self.every_job(changes, reason, mend),
        };
        let mut best: Vec<Option<(Strength, Cause)>> = vec![None; self.table.jobs.len()];
        let mut disproved = BTreeSet::new();
        for path in paths {
            for (index, cause) in self.causes(path, links) {
                if self.disproves(index, &cause) {
                    disproved.insert(index);
                }
                let found = (strength(&self.table.jobs[index], cause.scope), cause);
                if best[index].as_ref().is_none_or(|known| order(&found) < order(known)) {
                    best[index] = Some(found);
                }
            }
        }
        let mut jobs = Vec::new();
        for (index, (job, best)) in self.table.jobs.iter().zip(best).enumerate() {
            let (state, voting) = match &best {
                None => (State::Unaffected, false),
                Some((Strength::Skip, _)) => (State::Skipped, false),
                Some((strength, _)) => (State::Run, *strength == Strength::Gate && job.voting),
            };
            let cause = best.map(|(_, cause)| cause);
            let decision = Decision { job: job.clone(), state, voting, cause, proof: None };
            jobs.push(if disproved.contains(&index) { decision } else { self.unless_proved(index, decision) });
        }
        Plan { compared: changes.compared.clone(), changed_paths: paths.len(), every_job: None, jobs }
    }

    fn every_job(&self, changes: &Changes, reason: &str, mend: &str) -> Plan {
        let run = |(index, job): (usize, &Job)| {
            let decision =
                Decision { job: job.clone(), state: State::Run, voting: job.voting, cause: None, proof: None };
            self.unless_proved(index, decision)
        };
        Plan {
            compared: changes.compared.clone(),
            changed_paths: 0,
            every_job: Some((reason.to_owned(), mend.to_owned())),
            jobs: self.table.jobs.iter().enumerate().map(run).collect(),
        }
    }
}

/// What a cause makes of a job, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    Gate,
    Check,
    Skip,
}

fn strength(job: &Job, scope: Scope) -> Strength {
    match (scope, job.on_common_change) {
        (Scope::Own, _) | (Scope::Common, OnCommonChange::Gate) => Strength::Gate,
        (Scope::Common, OnCommonChange::Check) => Strength::Check,
        (Scope::Common, OnCommonChange::Skip) => Strength::Skip,
    }
}

fn order((strength, cause): &(Strength, Cause)) -> (Strength, usize, &Cause) {
    (*strength, cause.steps.len(), cause)
}

pub mod known;
mod manifests;
#[cfg(test)]
mod tests;
mod ways;
