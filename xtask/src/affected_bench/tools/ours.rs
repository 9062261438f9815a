//! Our own planner, as a program.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};

use super::{Answer, Question, Tool};
use crate::{
    affected::render::json::{Document, PlannedState},
    affected_bench::programs::Programs,
    itself,
};

const LIMIT: Duration = Duration::from_secs(120);
/// The branch that each case starts from.
const BASE: &str = "main";
const RECORD_LIMIT: Duration = Duration::from_secs(1800);

/// Whether the planner may look at evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::affected_bench) enum Evidence {
    /// It is told not to.
    None,
    /// There is evidence of the base.
    OfTheBase,
}

/// `cargo xtask affected-tests`.
pub(in crate::affected_bench) struct Ours {
    program: PathBuf,
    evidence: Evidence,
}

impl Ours {
    /// The planner of this very program.
    pub(in crate::affected_bench) fn here(evidence: Evidence) -> Result<Self> {
        let program = itself::path()?;
        Ok(Self { program, evidence })
    }

    /// The plan for `tree` against `base`.
    ///
    /// # Errors
    /// The planner refuses.
    pub(in crate::affected_bench) fn plan(&self, programs: &Programs, tree: &Path, base: &str) -> Result<Document> {
        let out = programs.must(self.command(programs, tree, base)?, LIMIT)?;
        Document::parse(std::str::from_utf8(&out).context("a plan is UTF-8")?)
    }

    /// The command that plans in `tree` against `base`.
    fn command(&self, programs: &Programs, tree: &Path, base: &str) -> Result<Command> {
        let mut command = programs.command(&self.program, tree)?;
        command.args(["affected-tests", "--base", base, "--format", "json"]);
        if self.evidence == Evidence::None {
            command.arg("--no-records");
        }
        Ok(command)
    }
}

impl Tool for Ours {
    fn name(&self) -> String {
        match self.evidence {
            Evidence::None => "affected-tests, without evidence".to_owned(),
            Evidence::OfTheBase => "affected-tests, with evidence".to_owned(),
        }
    }

    fn sees_the_work_tree(&self) -> bool {
        true
    }

    /// Plans once, so that what the planner keeps between calls is from the base; and records each job, where it may
    /// look at evidence.
    fn prepare(&self, programs: &Programs, tree: &Path, _aside: &Path) -> Result<()> {
        if self.evidence == Evidence::OfTheBase {
            let mut record = programs.command(&self.program, tree)?;
            record.args(["evidence", "record"]);
            programs.must(record, RECORD_LIMIT)?;
            // What was built for it is large, and is copied with the tree for each case.
            let built = tree.join("target/evidence");
            fs::remove_dir_all(&built).with_context(|| format!("cannot remove {}", built.display()))?;
        }
        programs.must(self.command(programs, tree, BASE)?, LIMIT).map(drop)
    }

    fn ask(&self, question: &Question<'_>) -> Result<Answer> {
        let ran = question.programs.run(self.command(question.programs, question.tree, BASE)?, LIMIT)?;
        if !ran.status.success() {
            return Ok(question.refusal(ran.said()));
        }
        let text = std::str::from_utf8(&ran.stdout).context("a plan is UTF-8")?;
        let plan = Document::parse(text).context("the planner printed no plan")?;
        let with = |state: PlannedState| {
            plan.jobs.iter().filter(move |job| job.state == state).map(|job| job.name.clone()).collect()
        };
        Ok(Answer { run: with(PlannedState::Run), skipped: with(PlannedState::Skipped), refused: None })
    }
}
