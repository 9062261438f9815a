//! The decision: which jobs run, and for each the shortest way from a changed path to it. Pure.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use super::{
    changes::{Changes, Found, SymLink},
    graph::{PackageIndex, Reach, Workspace},
    jobs::{Job, JobTable, OnCommonChange, Selects},
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
}

/// Whether a job runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Nothing that changed reaches it.
    Unaffected,
    /// Reached, but only over common code, and its team chose `on-common-change = "skip"`.
    Skipped,
    /// It runs.
    Run,
}

impl State {
    /// Whether it is to be run.
    #[must_use]
    pub fn runs(self) -> bool {
        match self {
            Self::Run => true,
            Self::Skipped | Self::Unaffected => false,
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
    /// No rule and no package places the path.
    Unplaced,
}

type Reached = Vec<(usize, Scope, Vec<Step>)>;
type Ways = Rc<BTreeMap<PackageIndex, Vec<PackageIndex>>>;

/// Plans changes of one workspace.
pub struct Planner<'a> {
    workspace: &'a Workspace,
    table: &'a JobTable,
    manifests: Manifests,
    known: RefCell<BTreeMap<(PackageIndex, Reach), Ways>>,
}

impl<'a> Planner<'a> {
    /// A planner for this workspace and these jobs.
    #[must_use]
    pub fn new(workspace: &'a Workspace, table: &'a JobTable) -> Self {
        Self { workspace, table, manifests: Manifests::Untouched, known: RefCell::default() }
    }

    /// The same, told what the changed manifests came to.
    #[must_use]
    pub fn with(self, manifests: Manifests) -> Self {
        Self { manifests, ..self }
    }

    /// The plan for a change. Every path is judged alone and can only add jobs.
    #[must_use]
    pub fn plan(&self, changes: &Changes) -> Plan {
        let (paths, links) = match &changes.found {
            Found::Paths { paths, links } => (paths, links),
            Found::Unknown { reason, mend } => return self.every_job(changes, reason, mend),
        };
        let mut best: Vec<Option<(Strength, Cause)>> = vec![None; self.table.jobs.len()];
        for path in paths {
            for (index, cause) in self.causes(path, links) {
                let found = (strength(&self.table.jobs[index], cause.scope), cause);
                if best[index].as_ref().is_none_or(|known| order(&found) < order(known)) {
                    best[index] = Some(found);
                }
            }
        }
        let decide = |(job, best): (&Job, Option<(Strength, Cause)>)| match best {
            None => Decision { job: job.clone(), state: State::Unaffected, voting: false, cause: None },
            Some((strength, cause)) => Decision {
                state: if strength == Strength::Skip { State::Skipped } else { State::Run },
                voting: strength == Strength::Gate && job.voting,
                cause: Some(cause),
                job: job.clone(),
            },
        };
        Plan {
            compared: changes.compared.clone(),
            changed_paths: paths.len(),
            every_job: None,
            jobs: self.table.jobs.iter().zip(best).map(decide).collect(),
        }
    }

    /// Every job that a change of `path` reaches, in the table's order, with the ways to it.
    #[must_use]
    pub fn causes(&self, path: &RepoPath, links: &[SymLink]) -> Vec<(usize, Cause)> {
        let mut causes = self.causes_by_name(path, path, &[]);
        for (link, steps) in leading_to(path, links) {
            causes.extend(self.causes_by_name(path, &link, &steps));
        }
        causes
    }

    fn causes_by_name(&self, path: &RepoPath, name: &RepoPath, before: &[Step]) -> Vec<(usize, Cause)> {
        let cause = |scope, steps: Vec<Step>| {
            let steps = before.iter().cloned().chain(steps).collect();
            Cause { scope, steps, path: path.clone() }
        };
        let mut causes = Vec::new();
        for (index, job) in self.table.jobs.iter().enumerate() {
            if let Some(pattern) = job.reads.iter().find(|pattern| pattern.matches(name)) {
                causes.push((index, cause(Scope::Own, vec![Step::Reads(pattern.to_string())])));
            }
        }
        let rule = self.table.rules.iter().find(|rule| rule.paths.iter().any(|pattern| pattern.matches(name)));
        if let Some(rule) = rule {
            let selected = |job: &Job| match &rule.selects {
                Selects::None => false,
                Selects::All => true,
                Selects::Named(names) => names.contains(&job.name),
            };
            let jobs = self.table.jobs.iter().enumerate().filter(|(_, job)| selected(job));
            causes.extend(jobs.map(|(index, _)| (index, cause(Scope::Own, vec![Step::Rule(rule.why.clone())]))));
        } else if let Some(found) = self.over_manifests(name) {
            causes.extend(found.into_iter().map(|(index, scope, steps)| (index, cause(scope, steps))));
        } else if let Some((origin, reach)) = self.workspace.owner(name) {
            causes.extend(
                self.over_packages(origin, reach).into_iter().map(|(i, scope, steps)| (i, cause(scope, steps))),
            );
        } else {
            causes.extend((0..self.table.jobs.len()).map(|index| (index, cause(Scope::Own, vec![Step::Unplaced]))));
        }
        causes
    }

    fn over_packages(&self, origin: PackageIndex, reach: Reach) -> Reached {
        let ways = self.ways(origin, reach);
        let mut found = Vec::new();
        for (index, job) in self.table.jobs.iter().enumerate() {
            for package in job.packages.iter().filter_map(|name| self.workspace.member(name)) {
                let Some(way) = ways.get(&package) else { continue };
                // A job that covers several packages counts a change of any of them as its own.
                let own = self.is_own(job, origin, way);
                found.push((index, if own { Scope::Own } else { Scope::Common }, self.steps(way)));
            }
        }
        // A package outside the workspace, or one that no job sees: nothing places the path after all.
        if found.is_empty() {
            found.extend((0..self.table.jobs.len()).map(|index| (index, Scope::Own, vec![Step::Unplaced])));
        }
        found
    }

    fn ways(&self, origin: PackageIndex, reach: Reach) -> Ways {
        let mut known = self.known.borrow_mut();
        Rc::clone(known.entry((origin, reach)).or_insert_with(|| Rc::new(self.workspace.reached(origin, reach))))
    }

    fn steps(&self, way: &[PackageIndex]) -> Vec<Step> {
        let name = |index: PackageIndex| self.workspace.packages[index].name.clone();
        let mut steps: Vec<Step> = way.iter().map(|index| Step::Package(name(*index))).collect();
        if let [.., before, last] = way {
            let mut edges = self.workspace.packages[*before].dependents.iter().filter(|edge| edge.package == *last);
            if edges.all(|edge| edge.dev_only) {
                steps.pop();
                steps.push(Step::TestsOf(name(*last)));
            }
        }
        steps
    }

    fn every_job(&self, changes: &Changes, reason: &str, mend: &str) -> Plan {
        let run = |job: &Job| Decision { job: job.clone(), state: State::Run, voting: job.voting, cause: None };
        Plan {
            compared: changes.compared.clone(),
            changed_paths: 0,
            every_job: Some((reason.to_owned(), mend.to_owned())),
            jobs: self.table.jobs.iter().map(run).collect(),
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

/// The links over which a change of `path` is seen at another name, also links to links.
fn leading_to(path: &RepoPath, links: &[SymLink]) -> Vec<(RepoPath, Vec<Step>)> {
    let mut names = vec![(path.clone(), Vec::new())];
    let mut seen = BTreeSet::new();
    let mut next = 0;
    while let Some((name, steps)) = names.get(next).cloned() {
        for link in links {
            // Inside the target, or (for a link on the way to it) above it.
            let leads = name == link.target
                || name.below(link.target.as_bytes()).is_some()
                || (next > 0 && link.target.below(name.as_bytes()).is_some());
            if leads && link.at != *path && seen.insert(link.at.clone()) {
                let steps = steps.iter().cloned().chain([Step::Link(link.at.clone())]).collect();
                names.push((link.at.clone(), steps));
            }
        }
        next += 1;
    }
    names.split_off(1)
}

mod manifests;
#[cfg(test)]
mod tests;
