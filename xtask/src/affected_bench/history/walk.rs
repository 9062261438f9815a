//! Goes through the commits, checks each with cargo, and plans each; what was found is written down at once, so that the
//! next call goes on where this one ended.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use super::{
    overlay::fitted,
    table::{Found, Looked, table},
};
use crate::{
    affected::{
        cargo::Cargo,
        jobs::JOBS_FILE,
        render::json::{PlannedJob, PlannedState},
    },
    affected_bench::{
        programs::Programs,
        tools::{Evidence, Ours},
        truth::rebuilt_packages,
    },
    terminal,
};

const CHECK_LIMIT: Duration = Duration::from_secs(1800);

/// Looks at the last `most` commits of `repository`; those that were looked at before are taken from the notes below
/// `target`. Returns the table, and whether the plan missed nothing.
pub(in crate::affected_bench) fn history(
    programs: &Programs,
    repository: &Path,
    target: &Path,
    most: usize,
) -> Result<(String, bool)> {
    let walk = Walk::new(programs, repository, target)?;
    let mut known = walk.known()?;
    let commits = walk.commits(most)?;
    for (number, commit) in commits.iter().enumerate() {
        if known.contains_key(commit) {
            continue;
        }
        let looked = walk.look(commit)?;
        terminal::complain(&format!("{} of {}: {} {}\n", number + 1, commits.len(), &commit[..10], looked.subject));
        walk.note(&looked)?;
        known.insert(commit.clone(), looked);
    }
    let looked: Vec<Looked> = commits.iter().filter_map(|commit| known.get(commit).cloned()).collect();
    let sound = looked.iter().filter_map(|commit| commit.found.as_ref().ok()).all(|found| found.missed().count() == 0);
    Ok((table(&looked), sound))
}

struct Walk<'a> {
    programs: &'a Programs,
    /// A clone, so that the repository's own work tree is left alone.
    tree: PathBuf,
    /// Where cargo builds all commits, one after the other.
    built: PathBuf,
    notes: PathBuf,
    /// Today's job table.
    jobs: String,
    ours: Ours,
}

impl<'a> Walk<'a> {
    fn new(programs: &'a Programs, repository: &Path, target: &Path) -> Result<Self> {
        let folder = target.join("affected-history");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let tree = folder.join("tree");
        if tree.exists() {
            // From here, wherever that was when the clone was made.
            let mut fetch = programs.command("git", &tree)?;
            fetch.args(["fetch", "--quiet"]).arg(repository).arg("+HEAD:refs/heads/today");
            programs.must(fetch, CHECK_LIMIT)?;
        } else {
            let mut clone = programs.command("git", &folder)?;
            clone.args(["clone", "--quiet", "--no-checkout"]).arg(repository).arg(&tree);
            programs.must(clone, CHECK_LIMIT)?;
            programs.git(&tree, &["branch", "--force", "today", "HEAD"])?;
        }
        let jobs =
            fs::read_to_string(repository.join(JOBS_FILE)).with_context(|| format!("cannot read {JOBS_FILE}"))?;
        let ours = Ours::here(Evidence::None)?;
        Ok(Self { programs, tree, built: folder.join("built"), notes: folder.join("notes.jsonl"), jobs, ours })
    }

    /// What was noted before.
    fn known(&self) -> Result<BTreeMap<String, Looked>> {
        let text = match fs::read_to_string(&self.notes) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", self.notes.display())),
        };
        // A last line that was cut short is looked at again.
        let looked = text.lines().filter_map(|line| serde_json::from_str::<Looked>(line).ok());
        Ok(looked.map(|looked| (looked.commit.clone(), looked)).collect())
    }

    fn note(&self, looked: &Looked) -> Result<()> {
        let mut file = fs::OpenOptions::new().create(true).append(true).open(&self.notes)?;
        writeln!(file, "{}", serde_json::to_string(looked)?).with_context(|| self.notes.display().to_string())
    }

    /// The last commits that have a parent, the oldest first.
    fn commits(&self, most: usize) -> Result<Vec<String>> {
        let count = format!("--max-count={most}");
        let listed = self.git(&["rev-list", "--topo-order", "--min-parents=1", &count, "today"])?;
        Ok(listed.lines().rev().map(str::to_owned).collect())
    }

    fn look(&self, commit: &str) -> Result<Looked> {
        let subject = self.git(&["show", "--no-patch", "--format=%s", commit])?;
        let found = self.find(commit).map_err(|error| {
            let said = format!("{error:#}").replace(&format!("{}/", self.tree.display()), "");
            said.lines().find(|line| line.starts_with("error")).unwrap_or(&said).chars().take(160).collect()
        });
        if self.programs.stop.asked() {
            anyhow::bail!("interrupted");
        }
        Ok(Looked { commit: commit.to_owned(), subject, found })
    }

    fn find(&self, commit: &str) -> Result<Found> {
        let parent = self.git(&["rev-parse", &format!("{commit}^1")])?;
        // What was built last is the parent but where lines of history meet.
        let at = self.git(&["rev-parse", "--verify", "--quiet", "refs/bench/built"]).unwrap_or_default();
        if at != parent {
            self.check(&parent).context("the parent")?;
        }
        let packages = self.check(commit)?;
        let members = Cargo::read(&self.tree)?.workspace;
        let members: BTreeSet<String> = members.members().map(|(_, package)| package.name.clone()).collect();
        let table = fitted(&self.jobs, &members)?;
        let base = self.laid_over(&parent, &table, None)?;
        let head = self.laid_over(commit, &table, Some(&base))?;
        self.git(&["checkout", "--quiet", "--force", "--detach", &head])?;
        let plan = self.ours.plan(self.programs, &self.tree, &base);
        self.git(&["checkout", "--quiet", "--force", "--detach", commit])?;
        let plan = plan?;
        let jobs = || plan.jobs.iter();
        let covers = |job: &PlannedJob| job.packages.iter().any(|package| packages.contains(package));
        let (built, unplanned): (Vec<&PlannedJob>, Vec<&PlannedJob>) =
            jobs().filter(|job| covers(job)).partition(|job| job.state == PlannedState::Run);
        let mut built: BTreeSet<String> = built.into_iter().map(|job| job.name.clone()).collect();
        let mut together = BTreeSet::new();
        for job in unplanned {
            let into = if self.is_built_alone(&parent, commit, job)? { &mut built } else { &mut together };
            into.insert(job.name.clone());
        }
        let planned = jobs().filter(|job| job.state == PlannedState::Run).map(|job| job.name.clone()).collect();
        Ok(Found { jobs: plan.jobs.len(), built, together, planned })
    }

    /// Whether something of a job is built again where nothing but its packages is built.
    fn is_built_alone(&self, parent: &str, commit: &str, job: &PlannedJob) -> Result<bool> {
        let scope: Vec<&str> = job.packages.iter().flat_map(|package| ["--package", package.as_str()]).collect();
        self.check_scope(parent, &scope)?;
        let built = self.check_scope(commit, &scope)?;
        Ok(job.packages.iter().any(|package| built.contains(package)))
    }

    /// Builds all members; what was built last is written down.
    fn check(&self, commit: &str) -> Result<BTreeSet<String>> {
        let packages = self.check_scope(commit, &["--workspace"])?;
        self.git(&["update-ref", "refs/bench/built", commit])?;
        Ok(packages)
    }

    /// Builds what these packages need beyond what was built last; the packages of which something was built.
    fn check_scope(&self, commit: &str, scope: &[&str]) -> Result<BTreeSet<String>> {
        self.git(&["checkout", "--quiet", "--force", "--detach", commit])?;
        let mut command = self.programs.command("cargo", &self.tree)?;
        command.args(["check", "--tests", "--locked", "--message-format", "json"]).args(scope);
        // Crates that today's lock file does not have may have to be fetched.
        command.env("CARGO_TARGET_DIR", &self.built).env("CARGO_NET_OFFLINE", "false");
        let ran = self.programs.run(command, CHECK_LIMIT)?;
        ensure!(ran.status.success(), "{}", ran.said());
        Ok(rebuilt_packages(&ran.stdout))
    }

    /// A commit like `commit`, with this job table and without those of packages; `parent` is its parent.
    fn laid_over(&self, commit: &str, table: &str, parent: Option<&str>) -> Result<String> {
        let index = self.tree.join(".git/bench-index");
        let blob = self.tree.join(".git/bench-jobs.toml");
        fs::write(&blob, table)?;
        let with_index = |arguments: &[&str]| -> Result<String> {
            let mut command = self.programs.command("git", &self.tree)?;
            command.args(arguments).env("GIT_INDEX_FILE", &index);
            let out = self.programs.must(command, CHECK_LIMIT)?;
            Ok(String::from_utf8_lossy(&out).trim().to_owned())
        };
        with_index(&["read-tree", commit])?;
        let id = self.git(&["hash-object", "-w", "--no-filters", &blob.to_string_lossy()])?;
        with_index(&["rm", "--quiet", "--cached", "--ignore-unmatch", ":(glob)**/job.toml"])?;
        with_index(&["update-index", "--add", "--cacheinfo", &format!("100644,{id},{JOBS_FILE}")])?;
        let tree = with_index(&["write-tree"])?;
        let parent: Vec<&str> = parent.into_iter().flat_map(|parent| ["-p", parent]).collect();
        self.git(&[&["commit-tree", "-m", "A commit.", &tree][..], &parent].concat())
    }

    fn git(&self, arguments: &[&str]) -> Result<String> {
        let out = self.programs.git(&self.tree, arguments)?;
        Ok(String::from_utf8_lossy(&out).trim().to_owned())
    }
}
