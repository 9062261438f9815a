//! The ways from a changed path to jobs, by what is written down: rules, manifests, folders and dependencies.

use std::{collections::BTreeSet, rc::Rc};

use super::{Cause, Planner, Scope, Step, Ways};
use crate::affected::{
    changes::SymLink,
    graph::{PackageIndex, Reach},
    mentions::index::Mention,
    path::RepoPath,
};

/// One way from a path to a job.
pub(super) struct Way {
    /// Where the job is in the table.
    pub(super) job: usize,
    pub(super) scope: Scope,
    pub(super) steps: Vec<Step>,
    /// Whether somebody said so, or a comparison of manifests. Else it is supposed from where the path lies, and what
    /// the job was seen to read knows better.
    pub(super) said: bool,
    /// The names of crates, where the way is only for who builds one of them.
    pub(super) crates: BTreeSet<String>,
}

impl Way {
    pub(super) fn said(job: usize, scope: Scope, steps: Vec<Step>) -> Self {
        Self { job, scope, steps, said: true, crates: BTreeSet::new() }
    }

    pub(super) fn supposed(job: usize, scope: Scope, steps: Vec<Step>) -> Self {
        Self { job, scope, steps, said: false, crates: BTreeSet::new() }
    }
}

impl Planner<'_> {
    /// Every job that a change of `path` reaches, with the ways to it.
    #[must_use]
    pub fn causes(&self, path: &RepoPath, links: &[SymLink]) -> Vec<(usize, Cause)> {
        let mut ways = self.ways_by_name(path);
        for (link, before) in leading_to(path, links) {
            let further = self.ways_by_name(&link).into_iter();
            ways.extend(further.map(|way| Way { steps: before.iter().cloned().chain(way.steps).collect(), ..way }));
        }
        let mentions = self.over_mentions(path);
        if mentions.iter().any(|way| matches!(way.steps.first(), Some(Step::Named(_)))) {
            // Who names a path that no folder and no rule places, places it.
            ways.retain(|way| way.steps.last() != Some(&Step::Unplaced));
        }
        ways.extend(mentions);
        let ways = self.sifted(path, ways).into_iter();
        ways.map(|way| (way.job, Cause { scope: way.scope, steps: way.steps, path: path.clone() })).collect()
    }

    fn ways_by_name(&self, name: &RepoPath) -> Vec<Way> {
        let mut ways = Vec::new();
        for (job, said) in self.table.jobs.iter().enumerate() {
            if let Some(pattern) = said.reads.iter().find(|pattern| pattern.matches(name)) {
                ways.push(Way::said(job, Scope::Own, vec![Step::Reads(pattern.to_string())]));
            }
        }
        if let Some(rule) = self.table.rule(name) {
            let jobs = self.table.jobs.iter().enumerate().filter(|(_, job)| rule.selects.has(job));
            ways.extend(jobs.map(|(job, _)| Way::said(job, Scope::Own, vec![Step::Rule(rule.why.clone())])));
        } else if let Some(found) = self.over_manifests(name) {
            ways.extend(found);
        } else if let Some((origin, reach)) = self.owner(name) {
            ways.extend(self.over_packages(origin, reach));
        } else {
            ways.extend(self.unplaced());
        }
        ways
    }

    /// To the jobs whose sources say something of the path; a job whose team told all that it reads is not searched.
    fn over_mentions(&self, path: &RepoPath) -> Vec<Way> {
        let mut ways = Vec::new();
        for Mention { source, origin: (package, reach), names } in self.mentions.of(path) {
            let step = if names { Step::Named(source) } else { Step::Climbs(source) };
            let origin = &self.workspace.packages[package].name;
            for way in self.over_packages(package, reach) {
                let job = &self.table.jobs[way.job];
                if !(job.reads_told && job.packages.contains(origin)) {
                    let steps = [step.clone()].into_iter().chain(way.steps).collect();
                    ways.push(Way::supposed(way.job, way.scope, steps));
                }
            }
        }
        ways
    }

    /// The package that holds the path, and how far it reaches: what only tests name reaches them alone.
    fn owner(&self, name: &RepoPath) -> Option<(PackageIndex, Reach)> {
        let (package, reach) = self.workspace.owner(name)?;
        let folder = self.workspace.packages[package].directory.as_deref()?;
        let for_tests = name.below(folder).is_some_and(|inside| self.mentions.is_for_tests(package, inside));
        Some((package, if for_tests { Reach::OwnTests } else { reach }))
    }

    pub(super) fn unplaced(&self) -> impl Iterator<Item = Way> {
        (0..self.table.jobs.len()).map(|job| Way::supposed(job, Scope::Own, vec![Step::Unplaced]))
    }

    pub(super) fn over_packages(&self, origin: PackageIndex, reach: Reach) -> Vec<Way> {
        let ways = self.ways(origin, reach);
        let mut found = Vec::new();
        for (index, job) in self.table.jobs.iter().enumerate() {
            for package in job.packages.iter().filter_map(|name| self.workspace.member(name)) {
                let Some(way) = ways.get(&package) else { continue };
                // A job that covers several packages counts a change of any of them as its own.
                let own = self.is_own(job, origin, way);
                let scope = if own { Scope::Own } else { Scope::Common };
                found.push(Way::supposed(index, scope, self.steps(way)));
            }
        }
        // A package outside the workspace, or one that no job sees: nothing places the path after all.
        if found.is_empty() {
            found.extend(self.unplaced());
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
