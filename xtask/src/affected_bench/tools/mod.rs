//! Those that are scored: each is shown a changed tree, and answers with jobs.
//!
//! Ours and the peers are called as programs, from outside. Where a peer names packages, the jobs are those that cover
//! one of them. Files in the style of others (a filter of paths, irrelevant files) are what a careful team would write
//! for this workspace by hand.

mod by_path;
mod ours;
mod peers;

use std::{collections::BTreeSet, path::Path};

use anyhow::Result;

use super::{programs::Programs, truth::Change};
use crate::affected::{graph::Workspace, jobs::JobTable};

pub(super) use by_path::{Everything, Folders, Irrelevant, ReverseDependencies};
pub(super) use ours::{Evidence, Ours};
pub(super) use peers::{Peers, install, installed};

/// What a tool is shown.
pub(super) struct Question<'a> {
    /// How programs are started.
    pub(super) programs: &'a Programs,
    /// The work tree, after the edit.
    pub(super) tree: &'a Path,
    /// What [`Tool::prepare`] was given.
    pub(super) aside: &'a Path,
    /// What changed, for those that are only told paths.
    pub(super) changes: &'a [Change],
    /// The jobs at the base.
    pub(super) table: &'a JobTable,
    /// The packages at the base.
    pub(super) workspace: &'a Workspace,
}

/// What a tool answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// Jobs to run.
    pub(super) run: BTreeSet<String>,
    /// Jobs that are left out because their team wants it so; shown, and no miss.
    pub(super) skipped: BTreeSet<String>,
    /// It refused to answer, which stops CI: as safe as every job, and as dear.
    pub(super) refused: Option<String>,
}

/// One way to choose jobs.
pub(super) trait Tool {
    /// Its row in the table.
    fn name(&self) -> String;
    /// Whether it is asked before everything is committed: others compare commits alone.
    fn sees_the_work_tree(&self) -> bool {
        false
    }
    /// Takes what it needs of the base, which is checked out in `tree`; it may keep files in `aside`.
    ///
    /// # Errors
    /// The tool does not work here.
    fn prepare(&self, _programs: &Programs, _tree: &Path, _aside: &Path) -> Result<()> {
        Ok(())
    }
    /// Chooses.
    ///
    /// # Errors
    /// The bench itself failed; a tool that fails has [`Answer::refused`].
    fn ask(&self, question: &Question<'_>) -> Result<Answer>;
}

impl Question<'_> {
    /// Every job.
    pub(super) fn every_job(&self) -> BTreeSet<String> {
        self.table.jobs.iter().map(|job| job.name.clone()).collect()
    }

    /// The jobs that cover one of these packages.
    pub(super) fn jobs_of(&self, packages: &BTreeSet<String>) -> BTreeSet<String> {
        let covering =
            self.table.jobs.iter().filter(|job| job.packages.iter().any(|package| packages.contains(package)));
        covering.map(|job| job.name.clone()).collect()
    }

    /// An answer that stops CI.
    pub(super) fn refusal(&self, said: String) -> Answer {
        Answer { run: self.every_job(), refused: Some(said), ..Answer::default() }
    }
}
