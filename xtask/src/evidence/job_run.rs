//! One job, built and run under the tracer.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use xshell::cmd;

use super::{built::Built, scripts};
use crate::{
    affected::{cargo::Cargo, jobs::Job, path::RepoPath},
    step::Ran,
    test::{
        junit::{self, Counts},
        nextest,
        runner::{BUILD_LIMIT, MINUTE, Runner},
    },
    trace::Touch,
};

const CLEAN_LIMIT: Duration = Duration::from_secs(300);

/// Runs jobs in a target folder of their own, where crates from elsewhere stay between runs.
pub(super) struct JobRun<'r> {
    pub(super) runner: &'r Runner,
    pub(super) cargo: &'r Cargo,
    /// The folder.
    pub(super) target: &'r Path,
    /// The root of git's work tree: all packages below it are built anew, so that their reads are seen.
    pub(super) top: &'r Path,
}

/// What was seen of one run.
#[derive(Default)]
pub(super) struct Observed {
    /// Whether it was ended before its end: then what it would have read besides is not known.
    pub(super) cut_short: bool,
    pub(super) passed: bool,
    pub(super) tests: u64,
    pub(super) touches: BTreeSet<Touch>,
    pub(super) packages: BTreeSet<String>,
    /// Folders of packages that were built; `None` where that is not known.
    pub(super) built: Option<BTreeSet<PathBuf>>,
}

impl JobRun<'_> {
    /// Builds the job and runs its tests. One that does not build has not passed, and what was read is told.
    pub(super) fn run(&self, job: &Job) -> Result<Observed> {
        self.clean(&job.name)?;
        // What tests left there in an earlier run is no input of this one.
        remove(&self.target.join("tmp"))?;
        match job.own_command() {
            Some(command) => self.by_command(job, command),
            None => self.by_nextest(job),
        }
    }

    fn by_nextest(&self, job: &Job) -> Result<Observed> {
        let mut observed = Observed::default();
        let Some(built) = self.build(job, &mut observed)? else { return Ok(observed) };
        observed.packages = built.packages;
        let folders = built.fresh.iter().chain(&built.kept).filter_map(|manifest| manifest.parent());
        observed.built = Some(folders.map(Path::to_owned).collect());
        let store = self.target.join("nextest");
        remove(&store)?;
        std::fs::create_dir_all(&store).with_context(|| format!("cannot make {}", store.display()))?;
        let own = std::fs::read_to_string(self.cargo.root.join(nextest::CONFIG)).unwrap_or_default();
        let config = store.join("nextest.toml");
        std::fs::write(&config, nextest::config(&own, &store)?)?;
        let (shell, profile, packages) = (&self.runner.shell, nextest::PROFILE, packages(job));
        let command = cmd!(shell, "cargo nextest run --config-file {config} --profile {profile}");
        // All tests, also after one failed: what the others read counts too.
        let command = command.args(["--no-tests", "fail", "--no-fail-fast"]).args(packages);
        let command = self.privately(command).args(["-E", &job.filter]);
        let (ran, traced) = self.runner.steps.traced(&job.name, command, MINUTE * job.timeout_minutes)?;
        observed.touches.extend(traced.touches);
        observed.cut_short = traced.cut_short;
        let report = std::fs::read_to_string(store.join(profile).join(nextest::REPORT)).unwrap_or_default();
        observed.count(&ran, junit::count(&report).unwrap_or_default());
        Ok(observed)
    }

    /// Runs what somebody wrote for the job. Which packages it builds is not known, so all that it can need are named.
    fn by_command(&self, job: &Job, command: &str) -> Result<Observed> {
        let shell = &self.runner.shell;
        let command = cmd!(shell, "sh -c {command}").env("CARGO_TARGET_DIR", self.target);
        let (ran, traced) =
            self.runner.steps.traced(&job.name, alone(command), BUILD_LIMIT + MINUTE * job.timeout_minutes)?;
        let log = std::fs::read(&ran.log).unwrap_or_default();
        let packages = self.cargo.closure(&job.packages);
        let mut observed =
            Observed { touches: traced.touches, packages, cut_short: traced.cut_short, ..Observed::default() };
        observed.touches.extend(self.scripts(&observed.packages).flat_map(|folder| scripts::inputs(&folder, "")));
        observed.count(&ran, junit::count_printed(&String::from_utf8_lossy(&log)));
        Ok(observed)
    }

    /// The folders of those among `packages` that have a build script. What each printed is not known here, so that all
    /// of them count whole.
    fn scripts(&self, packages: &BTreeSet<String>) -> impl Iterator<Item = PathBuf> {
        let named = |name: &str| packages.iter().any(|package| package.split(' ').next() == Some(name));
        let packages = self.cargo.workspace.packages.iter();
        let packages = packages.filter(move |package| package.build_script.is_some() && named(&package.name));
        let folders = packages.filter_map(|package| package.directory.clone());
        folders.map(|folder| self.cargo.root.join(RepoPath::new(folder).to_path_buf()))
    }

    /// Builds what the job tests; `None` where it does not compile.
    fn build(&self, job: &Job, observed: &mut Observed) -> Result<Option<Built>> {
        for again in [false, true] {
            let shell = &self.runner.shell;
            let command = cmd!(shell, "cargo test --no-run --message-format json-render-diagnostics");
            let command = self.privately(command.args(packages(job)));
            let (ran, traced) = self.runner.steps.traced(&format!("build {}", job.name), command, BUILD_LIMIT)?;
            observed.touches.extend(traced.touches);
            observed.cut_short = traced.cut_short;
            if !ran.success {
                return Ok(None);
            }
            let log = String::from_utf8_lossy(&std::fs::read(&ran.log)?).into_owned();
            let built = Built::parse(&log)?;
            observed.touches.extend(scripts::ran(&log).iter().flat_map(|(folder, said)| scripts::inputs(folder, said)));
            let unseen = built.kept.iter().find(|manifest| manifest.starts_with(self.top));
            match unseen {
                None => return Ok(Some(built)),
                Some(manifest) if again => {
                    anyhow::bail!("{} was not built anew, so that what it reads is not known", manifest.display())
                }
                // A vendored crate, or one beside the workspace.
                Some(_) => remove(self.target)?,
            }
        }
        Ok(None)
    }

    /// Builds the job again, without a tracer; whether it compiles.
    pub(super) fn rebuild(&self, job: &Job) -> Result<bool> {
        let shell = &self.runner.shell;
        let command = self.privately(cmd!(shell, "cargo test --no-run").args(packages(job)));
        Ok(self.runner.steps.run(&format!("build {} as recorded", job.name), command, BUILD_LIMIT)?.success)
    }

    /// Forgets what was built of the packages in this tree.
    fn clean(&self, job: &str) -> Result<()> {
        let local = self.cargo.workspace.packages.iter().filter(|package| package.directory.is_some());
        let local = local.flat_map(|package| ["--package".to_owned(), package.name.clone()]);
        let (shell, target) = (&self.runner.shell, self.target);
        let command = cmd!(shell, "cargo clean --offline --locked --quiet --target-dir {target}").args(local);
        let ran = self.runner.steps.run(&format!("clean {job}"), command, CLEAN_LIMIT)?;
        ensure!(ran.success, "cargo clean failed");
        Ok(())
    }

    /// With the folder of its own. Not by a variable: cargo that tests start would build there too.
    fn privately<'c>(&self, command: xshell::Cmd<'c>) -> xshell::Cmd<'c> {
        alone(command.args(["--locked", "--target-dir"]).arg(self.target))
    }
}

impl Observed {
    fn count(&mut self, ran: &Ran, counts: Counts) {
        self.passed = ran.success && counts.failed == 0 && counts.passed > 0;
        self.tests = (counts.passed + counts.failed) as u64;
    }
}

/// No cache between cargo and the compiler: what is not compiled reads nothing.
fn alone(command: xshell::Cmd<'_>) -> xshell::Cmd<'_> {
    command.env("CARGO_INCREMENTAL", "0").env("RUSTC_WRAPPER", "").env("RUSTC_WORKSPACE_WRAPPER", "")
}

fn packages(job: &Job) -> impl Iterator<Item = String> + use<'_> {
    job.packages.iter().flat_map(|package| ["--package".to_owned(), package.clone()])
}

fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}
