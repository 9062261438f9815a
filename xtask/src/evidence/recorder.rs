//! Runs jobs under the tracer and keeps what they read.

use std::{
    collections::BTreeMap,
    fs::File,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, bail};

use super::{
    facts::Surroundings,
    inputs::{Inputs, Scene},
    job_run::{JobRun, Observed},
    record::{Record, SCHEMA, Seen},
    store::{KEPT, Store},
    untracked::sha256,
};
use crate::{
    affected::{
        cargo::Cargo,
        git::Git,
        jobs::{JOBS_FILE, Job, JobTable, PACKAGE_JOB_FILE},
        path::RepoPath,
        planned::View,
        tree::Tree,
    },
    test::runner::Runner,
    venvs,
};

/// Where jobs are built for their evidence, below the target folder.
const TARGET: &str = "evidence";
const LOCK: &str = ".lock";

/// Records jobs, one after another.
pub(super) struct Recorder<'r> {
    cargo: &'r Cargo,
    table: &'r JobTable,
    git: &'r Git,
    runner: &'r Runner,
    store: &'r Store,
    surroundings: Surroundings,
    /// The workspace root, the root of git's work tree, the folder to build in: without links in their names.
    root: PathBuf,
    top: PathBuf,
    target: PathBuf,
    /// Held while this lives.
    _lock: File,
}

/// What came of recording one job.
pub(super) enum Outcome {
    /// It is in the store.
    Kept {
        /// The id of the record.
        id: String,
        /// What it says.
        record: Box<Record>,
    },
    /// The tree changed while it ran, first of all here: nobody knows what the job read.
    Void(RepoPath),
    /// It ran too long and was ended: nobody knows what it would have read besides.
    CutShort,
}

impl<'r> Recorder<'r> {
    /// Prepares the folder. One at a time works in it.
    pub(super) fn new(
        (cargo, table): (&'r Cargo, &'r JobTable),
        git: &'r Git,
        runner: &'r Runner,
        store: &'r Store,
    ) -> Result<Self> {
        let (target, lock) = folder(cargo)?;
        Ok(Self {
            cargo,
            table,
            git,
            runner,
            store,
            surroundings: Surroundings::here(&runner.shell)?,
            root: cargo.root.canonicalize()?,
            top: git.top().canonicalize()?,
            target,
            _lock: lock,
        })
    }

    /// Builds and runs a job, and keeps what it read unless the tree changed meanwhile.
    pub(super) fn record(&self, job: &Job) -> Result<Outcome> {
        let began = SystemTime::now();
        let before = self.tree()?;
        let (cargo, runner) = (self.cargo, self.runner);
        let run = JobRun { runner, cargo, target: &self.target, top: &self.top };
        let observed = run.run(job)?;
        if observed.cut_short {
            return Ok(Outcome::CutShort);
        }
        if let Some(path) = first_difference(&before, &self.tree()?) {
            return Ok(Outcome::Void(path));
        }
        let inputs = self.inputs(job, &observed, &before, began);
        let produced = inputs.produced.iter().map(|path| {
            let digest = sha256(&self.target.join(path))?;
            Ok((path.to_string_lossy().into_owned(), digest))
        });
        let record = Record {
            schema: SCHEMA,
            job: job.name.clone(),
            commit: self.git.head()?,
            ended: SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs(),
            passed: observed.passed,
            tests: observed.tests,
            asked: self.surroundings.asked(job),
            host: self.surroundings.host.clone(),
            produced: produced.collect::<std::io::Result<BTreeMap<_, _>>>().context("a test program cannot be read")?,
            governed_by: inputs.governed_by,
            built_from: inputs.built_from,
            run_on: inputs.run_on,
            packages: observed.packages,
        };
        let id = self.store.add(&record)?;
        self.store.prune(KEPT)?;
        Ok(Outcome::Kept { id, record: Box::new(record) })
    }

    fn tree(&self) -> Result<Tree> {
        work_tree(self.git, &self.cargo.root)
    }

    fn inputs(&self, job: &Job, observed: &Observed, tree: &Tree, began: SystemTime) -> Inputs {
        let outputs = [self.cargo.target.clone(), self.root.join("target")].into_iter().flat_map(|target| {
            let real = target.canonicalize().ok();
            std::iter::once(target).chain(real)
        });
        let members = self.cargo.workspace.members().filter_map(|(_, member)| {
            let folder = RepoPath::new(member.directory.clone()?);
            let built = observed.built.as_ref();
            let was_built = built.is_none_or(|built| built.contains(&self.cargo.root.join(folder.to_path_buf())));
            Some((folder, was_built))
        });
        let scene = Scene {
            root: &self.root,
            top: &self.top,
            target: &self.target,
            outputs: outputs.collect(),
            tree,
            began,
            members: members.collect(),
        };
        let mut inputs = Inputs::of(&observed.touches, &scene);
        // Read before, to make the environment that the tests run in.
        for venv in &job.venvs {
            let path = RepoPath::new(format!("{}/{venv}/requirements.txt", venvs::FOLDER));
            let seen = Seen::at(&path, false, tree, &|_| None);
            inputs.run_on.insert(path, seen);
        }
        // What no tracer sees and somebody knows. The job itself is in `asked`, whatever else its file says.
        let told = tree.iter().filter(|(path, _)| self.table.says(job, path) && !says_what_runs(path));
        for (path, entry) in told {
            if !inputs.run_on.contains_key(path) && !inputs.built_from.contains_key(path) {
                inputs.governed_by.insert(path.clone(), Seen::Tracked(format!("{} {}", entry.mode, entry.id)));
            }
        }
        inputs
    }
}

fn says_what_runs(path: &RepoPath) -> bool {
    let name = path.as_bytes().rsplit(|byte| *byte == b'/').next();
    path.as_bytes() == JOBS_FILE.as_bytes() || name == Some(PACKAGE_JOB_FILE.as_bytes())
}

/// The folder to build in, and the lock on it.
pub(super) fn folder(cargo: &Cargo) -> Result<(PathBuf, File)> {
    let target = cargo.target.join(TARGET);
    std::fs::create_dir_all(&target).with_context(|| format!("cannot make {}", target.display()))?;
    let lock = cargo.target.join(format!("{TARGET}{LOCK}"));
    let lock = File::create(&lock).with_context(|| format!("cannot write {}", lock.display()))?;
    if lock.try_lock().is_err() {
        bail!("another `evidence record` works in {}", target.display());
    }
    Ok((target.canonicalize()?, lock))
}

fn first_difference(before: &Tree, after: &Tree) -> Option<RepoPath> {
    let gone = before.iter().find(|(path, entry)| after.get(path) != Some(*entry));
    let come = after.iter().find(|(path, _)| before.get(path).is_none());
    gone.or(come).map(|(path, _)| path.clone())
}

/// The work tree as it is, seen from the workspace root.
pub(super) fn work_tree(git: &Git, root: &Path) -> Result<Tree> {
    let view = View::new(git.top(), root);
    Ok(git.work_tree()?.turned(|path| view.turn(path)))
}
