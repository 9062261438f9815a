//! `--check`: whether the job table still fits the tree: paths that nothing places, rules and patterns without an effect.
//! What is wrong with the table in itself stops every plan already: see [`super::validate`].

use std::{collections::BTreeSet, fmt::Write, path::Path};

use anyhow::Result;

use super::{
    cargo::Cargo,
    git::Git,
    jobs::{JOBS_FILE, Job, JobTable, PACKAGE_JOB_FILE, Pattern, Rule},
    path::RepoPath,
    plan::{Planner, Step},
    planned::View,
};
use crate::{terminal, venvs};

/// So many paths are named; of more, their number.
const MOST_PATHS: usize = 20;

/// Something that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The file to put right.
    pub file: String,
    /// Words of it that stand there in quotes, to find the line by.
    pub near: Option<String>,
    /// What is wrong.
    pub what: String,
}

/// Checks the workspace around `directory` and prints what does not fit; whether all does.
///
/// # Errors
/// The workspace, its job table or git cannot be read.
pub fn check(directory: &Path) -> Result<bool> {
    let (git, cargo) = (Git::open(directory)?, Cargo::read(directory)?);
    let table = JobTable::read(&cargo.root, &cargo.workspace)?;
    let view = View::new(git.top(), &cargo.root);
    let tracked = git.tracked()?.into_iter().map(|path| view.turn(&path)).filter(|path| path.below(b"..").is_none());
    let tracked: Vec<RepoPath> = tracked.collect();
    let misfits = misfits(&cargo, &table, &tracked);
    terminal::print(&told(&misfits, &cargo.root));
    if misfits.is_empty() {
        let (jobs, rules, paths) = (table.jobs.len(), table.rules.len(), tracked.len());
        terminal::print(&format!(
            "{JOBS_FILE} fits: {jobs} jobs and {rules} rules place all of {paths} tracked paths\n"
        ));
    }
    Ok(misfits.is_empty())
}

/// All that does not fit, for these tracked paths (seen from the workspace root). Pure.
#[must_use]
pub fn misfits(cargo: &Cargo, table: &JobTable, tracked: &[RepoPath]) -> Vec<Misfit> {
    let mut found: Vec<Misfit> = unplaced(cargo, table, tracked).into_iter().collect();
    found.extend(idle_rules(table, tracked));
    for job in &table.jobs {
        found.extend(idle_reads(cargo, job, tracked));
        found.extend(unknown_venvs(cargo, job, tracked));
    }
    found
}

/// The misfits as lines `FILE:LINE: WHAT`; the lines are looked up in the files below `root`.
#[must_use]
pub fn told(misfits: &[Misfit], root: &Path) -> String {
    let mut out = String::new();
    for Misfit { file, near, what } in misfits {
        let text = std::fs::read_to_string(root.join(file)).unwrap_or_default();
        let line = near.as_ref().and_then(|near| line_of(&text, near));
        let at = line.map(|line| format!(":{line}")).unwrap_or_default();
        let _ = writeln!(out, "{file}{at}: {what}");
    }
    out
}

fn line_of(text: &str, near: &str) -> Option<usize> {
    let quoted = format!("\"{near}\"");
    text.lines().position(|line| line.contains(&quoted)).map(|before| before + 1)
}

fn in_table(near: Option<String>, what: String) -> Misfit {
    Misfit { file: JOBS_FILE.to_owned(), near, what }
}

fn unplaced(cargo: &Cargo, table: &JobTable, tracked: &[RepoPath]) -> Option<Misfit> {
    let planner = Planner::new(&cargo.workspace, table);
    let is_unplaced =
        |path: &&RepoPath| planner.causes(path, &[]).iter().any(|(_, cause)| cause.steps == [Step::Unplaced]);
    let paths: Vec<String> = tracked.iter().filter(is_unplaced).map(RepoPath::to_string).collect();
    if paths.is_empty() {
        return None;
    }
    let mut what =
        "no package owns these paths and no rule places them, so a change of them runs every job:".to_owned();
    for path in paths.iter().take(MOST_PATHS) {
        let _ = write!(what, "\n  {path}");
    }
    if paths.len() > MOST_PATHS {
        let _ = write!(what, "\n  and {} more", paths.len() - MOST_PATHS);
    }
    Some(in_table(None, what))
}

/// Rules that no tracked path comes to, and patterns that no path ever could match.
fn idle_rules(table: &JobTable, tracked: &[RepoPath]) -> Vec<Misfit> {
    let (mut matching, mut deciding) = (BTreeSet::new(), BTreeSet::new());
    for path in tracked {
        let matches = |rule: &Rule| rule.paths.iter().any(|pattern| pattern.matches(path));
        let rules = table.rules.iter().enumerate().filter(|(_, rule)| matches(rule)).map(|(index, _)| index);
        let rules: Vec<usize> = rules.collect();
        deciding.extend(rules.first().copied());
        matching.extend(rules);
    }
    let mut found = Vec::new();
    for (index, rule) in table.rules.iter().enumerate() {
        for pattern in rule.paths.iter().filter(|pattern| is_impossible(pattern)) {
            let what = format!("`{pattern}` can match no path: paths begin at the workspace root, without `/` or `..`");
            found.push(in_table(Some(pattern.to_string()), what));
        }
        if !deciding.contains(&index) {
            let why = &rule.why;
            let what = if matching.contains(&index) {
                format!("the rule ({why}) decides nothing: earlier rules match all of its paths")
            } else {
                format!("the rule ({why}) matches no tracked path")
            };
            found.push(in_table(Some(why.clone()), what));
        }
    }
    found
}

fn is_impossible(pattern: &Pattern) -> bool {
    let text = pattern.to_string();
    text.starts_with('/') || text.ends_with('/') || text.split('/').any(|part| matches!(part, "." | ".."))
}

fn idle_reads(cargo: &Cargo, job: &Job, tracked: &[RepoPath]) -> Vec<Misfit> {
    let idle = job.reads.iter().filter(|pattern| !tracked.iter().any(|path| pattern.matches(path)));
    let misfit = |pattern: &Pattern| Misfit {
        file: written_in(cargo, job),
        near: Some(pattern.to_string()),
        what: format!("job `{}` reads `{pattern}`, which matches no tracked path", job.name),
    };
    idle.map(misfit).collect()
}

fn unknown_venvs(cargo: &Cargo, job: &Job, tracked: &[RepoPath]) -> Vec<Misfit> {
    let is_known = |name: &str| {
        let wanted = RepoPath::from(format!("{}/{name}/requirements.txt", venvs::FOLDER).as_str());
        tracked.contains(&wanted)
    };
    let misfit = |name: &String| Misfit {
        file: written_in(cargo, job),
        near: Some(name.clone()),
        what: format!("job `{}` uses the environment `{name}`: {}/{name} has none", job.name, venvs::FOLDER),
    };
    job.venvs.iter().filter(|name| !is_known(name)).map(misfit).collect()
}

/// The file that says what a job reads and uses.
fn written_in(cargo: &Cargo, job: &Job) -> String {
    let member = job.brought_by.as_ref().and_then(|package| cargo.workspace.member(package));
    let folder = member.and_then(|index| cargo.workspace.packages[index].directory.as_ref());
    folder.map_or(JOBS_FILE.to_owned(), |folder| format!("{}/{PACKAGE_JOB_FILE}", String::from_utf8_lossy(folder)))
}
