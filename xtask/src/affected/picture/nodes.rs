//! What is on a way from a changed path to a job, as a graph.

use std::collections::{BTreeMap, BTreeSet};

use crate::affected::{
    changes::{Changes, Found},
    path::RepoPath,
    plan::{Decision, Plan, Planner, State, Step},
    render::step,
};

/// What a node stands for. The order is that of the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Changed paths that lead to the same, or why they are not known.
    Paths,
    /// A package, a rule, or another step of a way.
    Step,
    /// A job.
    Job(Shown),
    /// Nothing: a long edge passes here.
    Bend,
}

/// How a job is shown; what runs first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shown {
    /// It runs and votes.
    Run,
    /// It runs without a vote.
    Check,
    /// It passed on the same inputs before.
    Proved,
    /// Its team skips common changes.
    Skipped,
}

/// A node with its text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Node {
    /// What it stands for.
    pub kind: Kind,
    /// One line; of any length.
    pub label: String,
}

/// Nodes, and edges between them by index, both in order and without doubles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    /// The nodes.
    pub nodes: Vec<Node>,
    /// From, to.
    pub edges: Vec<(usize, usize)>,
    /// How many jobs the change does not reach; they are not among the nodes.
    pub unaffected: usize,
}

/// The jobs that a path reaches, by number, each with a way.
type Reached = Vec<(usize, Vec<Step>)>;

/// All ways from `changes` to the jobs of `plan`. Paths that lead to the same by the same ways are one node, so that the
/// graph is bounded by the packages, however many files changed.
#[must_use]
pub fn graph(planner: &Planner<'_>, changes: &Changes, plan: &Plan) -> Graph {
    let mut ways: BTreeSet<Vec<Node>> = BTreeSet::new();
    match &changes.found {
        Found::Paths { paths, links } => {
            let mut alike: BTreeMap<Reached, (&RepoPath, usize)> = BTreeMap::new();
            for path in paths {
                let causes = planner.causes(path, links).into_iter();
                let key = causes.map(|(job, cause)| (job, cause.steps)).collect();
                alike.entry(key).or_insert((path, 0)).1 += 1;
            }
            for (reached, (first, count)) in alike {
                for (job, steps) in reached {
                    let steps: Vec<String> = steps.iter().map(|known| step(known, first)).collect();
                    ways.extend(way(paths_label(first, count), &steps, &plan.jobs[job]));
                }
            }
        }
        Found::Unknown { reason, .. } => {
            ways.extend(plan.jobs.iter().filter_map(|decision| way(reason.clone(), &[], decision)));
        }
    }
    let nodes: BTreeSet<&Node> = ways.iter().flatten().collect();
    let index: BTreeMap<&Node, usize> = nodes.iter().enumerate().map(|(index, node)| (*node, index)).collect();
    let edges: BTreeSet<(usize, usize)> =
        ways.iter().flat_map(|way| way.windows(2).map(|pair| (index[&pair[0]], index[&pair[1]]))).collect();
    let unaffected = plan.jobs.iter().filter(|decision| shown(decision).is_none()).count();
    Graph { nodes: nodes.into_iter().cloned().collect(), edges: edges.into_iter().collect(), unaffected }
}

fn way(from: String, steps: &[String], decision: &Decision) -> Option<Vec<Node>> {
    let job = Node { kind: Kind::Job(shown(decision)?), label: decision.job.name.clone() };
    let steps = steps.iter().map(|label| Node { kind: Kind::Step, label: label.clone() });
    Some([Node { kind: Kind::Paths, label: from }].into_iter().chain(steps).chain([job]).collect())
}

fn paths_label(first: &RepoPath, count: usize) -> String {
    if count == 1 { first.to_string() } else { format!("{first} and {} more", count - 1) }
}

fn shown(decision: &Decision) -> Option<Shown> {
    match (decision.state, decision.voting) {
        (State::Run, true) => Some(Shown::Run),
        (State::Run, false) => Some(Shown::Check),
        (State::Proved, _) => Some(Shown::Proved),
        (State::Skipped, _) => Some(Shown::Skipped),
        (State::Unaffected, _) => None,
    }
}
