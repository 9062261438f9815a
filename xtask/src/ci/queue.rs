//! Which jobs may run side by side. Pure.
//!
//! Jobs share this machine. Tests of one job are kept from disturbing each other by nextest's groups, but those hold
//! within one nextest; so jobs that use the same lab or the same Python environment (real clients, in a group of one) do
//! not run at once, and a hand-written command, of which nothing is known, runs alone.

use std::collections::{BTreeSet, VecDeque};

use crate::affected::jobs::Job;

/// What a job must have for itself while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Needs {
    Everything,
    Some(BTreeSet<String>),
}

/// Jobs that wait, and those that run.
#[derive(Debug)]
pub struct Queue<'j> {
    waiting: VecDeque<&'j Job>,
    running: Vec<&'j Job>,
    most: usize,
}

impl<'j> Queue<'j> {
    /// All of `jobs` wait; at most `most` (and at least one) will run at once.
    #[must_use]
    pub fn new(jobs: &[&'j Job], most: usize) -> Self {
        Self { waiting: jobs.iter().copied().collect(), running: Vec::new(), most: most.max(1) }
    }

    /// Takes the first job that disturbs none that runs; none where that is to be waited for, or nothing is left.
    pub fn begin(&mut self) -> Option<&'j Job> {
        if self.running.len() >= self.most {
            return None;
        }
        let fits = |job: &&Job| self.running.iter().all(|other| !disturb(job, other));
        let job = self.waiting.iter().position(fits).and_then(|index| self.waiting.remove(index))?;
        self.running.push(job);
        Some(job)
    }

    /// The job has ended.
    pub fn end(&mut self, name: &str) {
        self.running.retain(|job| job.name != name);
    }

    /// Whether a job runs.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !self.running.is_empty()
    }
}

fn disturb(one: &Job, other: &Job) -> bool {
    match (needs(one), needs(other)) {
        (Needs::Some(one), Needs::Some(other)) => !one.is_disjoint(&other),
        (Needs::Everything, _) | (_, Needs::Everything) => true,
    }
}

fn needs(job: &Job) -> Needs {
    if job.own_command().is_some() {
        return Needs::Everything;
    }
    let labs = job.lab.iter().map(|lab| format!("lab {lab}"));
    Needs::Some(labs.chain(job.venvs.iter().map(|venv| format!("venv {venv}"))).collect())
}

/// How many jobs run at once where nobody says: one for each four processors, since nextest fills several by itself and
/// tests with time limits shall not starve.
#[must_use]
pub fn side_by_side(processors: usize) -> usize {
    (processors / 4).max(1)
}

/// How many tests each of so many jobs runs at once, so that together they fill the processors.
#[must_use]
pub fn test_threads(processors: usize, jobs: usize) -> Option<usize> {
    (jobs > 1).then(|| (processors / jobs).max(1))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fmt::Write};

    use super::{Job, Queue, side_by_side, test_threads};
    use crate::affected::{
        graph::{Package, Workspace},
        jobs::JobTable,
    };

    /// Jobs named a, b, c and so on, each with these further keys.
    fn jobs(keys: &[&str]) -> Vec<Job> {
        let mut text = "default-gate = \"a\"\n".to_owned();
        for (name, keys) in ('a'..='z').zip(keys) {
            let _ = write!(text, "[[job]]\nname = \"{name}\"\npackages = [\"p\"]\n{keys}\n");
        }
        for name in ["rig", "other"] {
            let _ = write!(text, "[[lab]]\nname = \"{name}\"\nraise = \"\"\nlower = \"\"\n");
        }
        let package = Package { name: "p".to_owned(), member: true, ..Package::default() };
        JobTable::parse(&text, &BTreeMap::new(), &Workspace::new(vec![package])).unwrap().jobs
    }

    /// Ends the longest running job whenever none can begin; each line is what runs at once.
    fn order(jobs: &[Job], most: usize) -> Vec<String> {
        let mut queue = Queue::new(&jobs.iter().collect::<Vec<_>>(), most);
        let mut lines = Vec::new();
        loop {
            while queue.begin().is_some() {}
            if !queue.is_busy() {
                assert!(queue.waiting.is_empty());
                return lines;
            }
            let running: Vec<String> = queue.running.iter().map(|job| job.name.clone()).collect();
            lines.push(running.join(" "));
            queue.end(&running[0]);
        }
    }

    #[test]
    fn no_more_than_were_asked_for_run_at_once() {
        let jobs = jobs(&["", "", ""]);
        assert_eq!(order(&jobs, 2), ["a b", "b c", "c"]);
        assert_eq!(order(&jobs, 1), ["a", "b", "c"]);
        assert_eq!(order(&jobs, 0), ["a", "b", "c"]);
        assert_eq!(order(&[], 2), [""; 0]);
    }

    #[test]
    fn one_lab_or_one_environment_is_used_by_one_job_at_a_time() {
        let jobs = jobs(&[
            "lab = \"rig\"",
            "lab = \"rig\"",
            "lab = \"other\"\nvenvs = [\"clients\"]",
            "venvs = [\"clients\"]",
        ]);
        assert_eq!(order(&jobs, 4), ["a c", "c b", "b d", "d"]);
    }

    #[test]
    fn a_command_that_somebody_wrote_runs_alone() {
        let jobs = jobs(&["", "command = \"make b\"", ""]);
        assert_eq!(order(&jobs, 3), ["a c", "c", "b"]);
    }

    #[test]
    fn all_processors_are_shared_out() {
        assert_eq!([1, 2, 4, 8, 64].map(side_by_side), [1, 1, 1, 2, 16]);
        assert_eq!((test_threads(8, 1), test_threads(8, 3), test_threads(2, 5)), (None, Some(2), Some(1)));
    }
}
