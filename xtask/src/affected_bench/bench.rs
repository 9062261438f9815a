//! Plays the cases: edits the sandbox, asks every tool, measures the truth, and puts all back.

use std::{
    collections::{BTreeMap, BTreeSet, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    time::Instant,
};

use anyhow::{Context, Result};

use super::{
    cases::{Case, Governs, apply},
    sandbox::Sandbox,
    score::Judged,
    tools::{Question, Tool},
    truth::{Baseline, Change, Need, changes, measure},
};
use crate::{
    affected::{cargo::Cargo, jobs::JobTable},
    terminal,
};

/// One in so many jobs is run though nothing hints at a difference: to check the truth itself.
const SAMPLED: u64 = 12;

/// A sandbox with its base built, ready for cases.
pub(super) struct Bench<'a> {
    /// Where.
    pub(super) sandbox: &'a Sandbox<'a>,
    /// How the jobs are at the base.
    pub(super) baseline: &'a Baseline,
    /// Who is asked.
    pub(super) tools: &'a [Box<dyn Tool>],
    /// Draws the sample.
    pub(super) seed: u64,
    /// The sandbox is left as it is after a case that one of the first so many tools got wrong.
    pub(super) keep_after_miss_of: usize,
    facts: Facts,
    base: String,
}

/// Packages and jobs of a tree.
struct Facts {
    cargo: Cargo,
    table: JobTable,
}

impl Facts {
    fn read(tree: &std::path::Path) -> Result<Self> {
        let cargo = Cargo::read(tree)?;
        let table = JobTable::read(&cargo.root, &cargo.workspace)?;
        Ok(Self { cargo, table })
    }
}

/// Whether the next case may be played.
pub(super) enum Played {
    /// Yes.
    On(Judged),
    /// No: the sandbox was left as it is.
    Kept(Judged),
}

impl<'a> Bench<'a> {
    /// A bench at its base.
    pub(super) fn new(
        sandbox: &'a Sandbox<'a>,
        baseline: &'a Baseline,
        tools: &'a [Box<dyn Tool>],
        seed: u64,
        keep_after_miss_of: usize,
    ) -> Result<Self> {
        let facts = Facts::read(&sandbox.tree())?;
        let base = sandbox.programs.git(&sandbox.tree(), &["rev-parse", "main"])?;
        let base = String::from_utf8_lossy(&base).trim().to_owned();
        Ok(Self { sandbox, baseline, tools, seed, keep_after_miss_of, facts, base })
    }

    /// Plays one case.
    pub(super) fn play(&self, case: &Case) -> Result<Played> {
        let started = Instant::now();
        self.sandbox.reset()?;
        let judged = self.judge(case).with_context(|| format!("case {}: {case}", case.name))?;
        let ours = &judged.answers[..self.keep_after_miss_of.min(judged.answers.len())];
        let needed: BTreeSet<&String> =
            judged.truth.iter().filter(|(_, need)| need.why.is_some()).map(|(job, _)| job).collect();
        let wrong = ours.iter().any(|answer| needed.iter().any(|job| !answer.run.contains(*job)));
        let told: Vec<&str> = needed.iter().map(|job| job.as_str()).collect();
        let time = started.elapsed().as_secs_f64();
        terminal::complain(&format!("{time:>6.1} s  {:<44} needs {}\n", case.name, told.join(" ")));
        if wrong {
            return Ok(Played::Kept(judged));
        }
        Ok(Played::On(judged))
    }

    fn judge(&self, case: &Case) -> Result<Judged> {
        let tree = self.sandbox.tree();
        apply(case, self.sandbox)?;
        let early = self.ask(true, &[], &self.facts)?;
        self.sandbox.commit_everything()?;
        let changes = changes(self.sandbox.programs, &tree, &self.base(case)?)?;
        let facts = self.facts_now(&changes);
        let facts = facts.as_ref().unwrap_or(&self.facts);
        let late = self.ask(false, &changes, facts)?;
        let answers = early.into_iter().chain(late).collect::<BTreeMap<_, _>>().into_values().collect();
        let edits: Vec<String> = case.edits.iter().map(ToString::to_string).collect();
        Ok(Judged {
            case: case.name.clone(),
            edits: format!("{}; {:?}", edits.join(", "), case.place),
            truth: self.truth(case, &changes, facts)?,
            forced: forced(case, &changes, facts),
            answers,
        })
    }

    /// The commit that the case's change is held against.
    fn base(&self, case: &Case) -> Result<String> {
        if case.place.hides_the_base() {
            return Ok(self.base.clone());
        }
        let merge_base = self.sandbox.programs.git(&self.sandbox.tree(), &["merge-base", "main", "HEAD"])?;
        Ok(String::from_utf8_lossy(&merge_base).trim().to_owned())
    }

    /// Packages and jobs after the edit, where they may differ; none where they cannot be read.
    fn facts_now(&self, changes: &[Change]) -> Option<Facts> {
        let tells = |change: &Change| {
            let path = change.path.as_bytes();
            [&b"Cargo.toml"[..], b"Cargo.lock", b"job.toml", b"jobs.toml"].iter().any(|name| path.ends_with(name))
        };
        changes.iter().any(tells).then(|| Facts::read(&self.sandbox.tree()).ok()).flatten()
    }

    fn ask(&self, work_tree: bool, changes: &[Change], facts: &Facts) -> Result<Vec<(usize, super::tools::Answer)>> {
        let question = Question {
            programs: self.sandbox.programs,
            tree: &self.sandbox.tree(),
            aside: &self.sandbox.aside(),
            changes,
            table: &facts.table,
            workspace: &facts.cargo.workspace,
        };
        let asked = self.tools.iter().enumerate().filter(|(_, tool)| tool.sees_the_work_tree() == work_tree);
        asked.map(|(index, tool)| Ok((index, tool.ask(&question)?))).collect()
    }

    fn truth(&self, case: &Case, changes: &[Change], facts: &Facts) -> Result<BTreeMap<String, Need>> {
        let seed = self.seed;
        let sampled = |job: &str| {
            let mut hasher = DefaultHasher::new();
            (seed, &case.name, job).hash(&mut hasher);
            hasher.finish().is_multiple_of(SAMPLED)
        };
        let mut truth = measure(self.sandbox, self.baseline, changes, &sampled)?;
        truth.retain(|job, _| facts.table.job(job).is_some());
        for job in &facts.table.jobs {
            let defined = match self.facts.table.job(&job.name) {
                None => Some("the job is new"),
                Some(before) if before != job => Some("its definition differs"),
                Some(_) if case.governs == Governs::Everything => Some("the file defines every job"),
                Some(_) => None,
            };
            let need = truth.entry(job.name.clone()).or_insert_with(Need::none);
            need.why = need.why.take().or(defined.map(str::to_owned));
        }
        Ok(truth)
    }
}

/// What policy runs whatever the truth is.
fn forced(case: &Case, changes: &[Change], facts: &Facts) -> BTreeSet<String> {
    let workspace = &facts.cargo.workspace;
    let jobs = facts.table.jobs.iter().filter(|job| {
        let brought = job.brought_by.as_deref().and_then(|package| workspace.member(package));
        let folder = brought.and_then(|index| workspace.packages[index].directory.as_deref());
        case.place.hides_the_base()
            || folder.is_some_and(|folder| changes.iter().any(|change| change.path.below(folder).is_some()))
    });
    jobs.map(|job| job.name.clone()).collect()
}
