//! The command line of `test`, and the order of its steps.

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use clap::Args;
use xshell::{Shell, cmd};

use super::{
    junit::{Counts, count, count_demo, count_doc_tests},
    summary::{Row, passed, table},
};
use crate::{
    affected::{
        cargo::Cargo,
        jobs::{Job, JobTable},
    },
    clients, prerequisites,
    step::Steps,
    terminal,
};

/// The tests that read the whole tree; they belong to no job, since every change is theirs.
const TIDY: &str = "package(=xtask) & test(/^tidy::/)";
/// Words that are taken where a job's name is.
const LINT: &str = "lint";
const DOC: &str = "doc";
/// The demonstration of `cargo xtask up --demo`: the other command of the README.
const DEMO: &str = "demo";
const DEMO_MINUTES: u32 = 10;
/// Where nextest's profile `ci` writes; below the workspace root, wherever cargo builds.
pub const REPORTS: &str = "target/nextest/ci";
const LINT_LIMIT: Duration = Duration::from_secs(1800);
const BUILD_LIMIT: Duration = Duration::from_secs(3600);
const TIDY_MINUTES: u32 = 20;
const MINUTE: Duration = Duration::from_secs(60);

/// Runs all checks and tests, after installing what is missing
///
/// On a fresh Debian 12 with Rust it installs what the tests need and says so; then lints, builds once, runs each job
/// of ci/jobs.toml with a JUnit report of its own (target/nextest/ci/JOB.xml), the documentation tests and the
/// demonstration of `up --demo`, and ends with a table. A job that ran no test has failed, and so has a test that no job ran.
///
/// Everything that the steps print is in target/test-logs/. Set CI=true for plain lines.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cargo xtask test                       everything
  cargo xtask test driver-local          one job, built without the packages it does not need
  cargo xtask test lint doc common       checks and jobs, in the order of a full run

Exit status:
  0  all passed
  1  something failed, or did not run
  2  wrong use: no such job, a broken job table, a prerequisite that cannot be installed")]
pub struct Test {
    /// Jobs of ci/jobs.toml, `lint`, `doc` or `demo` [default: everything]
    #[arg(value_name = "JOB")]
    jobs: Vec<String>,
    /// Plain lines instead of a line that moves
    #[arg(long, env = "CI", value_parser = clap::builder::FalseyValueParser::new(), hide_env = true)]
    plain: bool,
}

impl Test {
    /// Runs what was asked for in the workspace around `directory`; whether all of it passed.
    ///
    /// # Errors
    /// It could not be begun, or a prerequisite is missing for good.
    pub fn run(&self, directory: &Path) -> Result<bool> {
        let itself = std::env::current_exe().context("cannot tell which program this is")?;
        let cargo = Cargo::read(directory)?;
        let jobs = JobTable::read(&cargo.root, &cargo.workspace)?.jobs;
        let others = [LINT, DOC, DEMO];
        for name in self.jobs.iter().filter(|name| !others.contains(&name.as_str())) {
            if !jobs.iter().any(|job| job.name == *name) {
                let all: Vec<&str> = jobs.iter().map(|job| job.name.as_str()).chain(others).collect();
                bail!("no job `{name}`; there are {}", all.join(", "));
            }
        }
        let shell = Shell::new()?;
        shell.change_dir(&cargo.root);
        let target = cargo.target;
        let plain = self.plain || !std::io::stderr().is_terminal();
        let mut steps = Steps::new(target.join("test-logs"), plain)?;
        prerequisites::provide(&mut steps, &shell)?;
        let chosen: Vec<&Job> = jobs.iter().filter(|job| self.wants(&job.name)).collect();
        if chosen.iter().any(|job| job.clients) {
            shell.set_var(clients::VARIABLE, clients::provide(&mut steps, &shell, &cargo.root, &target)?);
        }
        let reports = cargo.root.join(REPORTS);
        let mut run = Run { shell, steps, reports, rows: Vec::new(), itself, scope: Vec::new() };
        run.everything(self, &jobs, &chosen)?;
        terminal::print(&table(&run.rows));
        Ok(passed(&run.rows))
    }

    fn wants(&self, name: &str) -> bool {
        self.jobs.is_empty() || self.jobs.iter().any(|wanted| wanted == name)
    }
}

struct Run {
    shell: Shell,
    steps: Steps,
    reports: PathBuf,
    rows: Vec<Row>,
    /// This program's path, asked for before the build of the workspace puts its own there.
    itself: PathBuf,
    /// Which packages cargo builds.
    scope: Vec<String>,
}

impl Run {
    fn everything(&mut self, asked: &Test, jobs: &[Job], chosen: &[&Job]) -> Result<()> {
        let full = asked.jobs.is_empty();
        let lint = asked.wants(LINT);
        let counted = if lint { 4 } else { 0 } + if chosen.is_empty() { 0 } else { 1 + chosen.len() };
        self.steps.expect(counted + usize::from(asked.wants(DOC)) + usize::from(asked.wants(DEMO)) + usize::from(full));
        // One selection of packages for all steps, so that features are unified once and nothing is built twice. A job
        // alone builds no more than it covers: another driver that does not compile is not its failure.
        self.scope = if full {
            vec!["--workspace".to_owned()]
        } else {
            let packages = chosen.iter().flat_map(|job| &job.packages);
            packages.flat_map(|package| ["--package".to_owned(), package.clone()]).collect()
        };
        if lint {
            self.lint()?;
        }
        let built = chosen.is_empty() || self.build()?;
        if lint {
            self.tidy(full)?;
        }
        for job in chosen {
            if built {
                self.job(&job.name, &job.filter, self.scope.clone(), job.timeout_minutes)?;
            } else {
                self.rows.push(Row::job(&job.name, false, Counts::default(), Duration::ZERO));
            }
        }
        if full {
            self.leftovers(jobs)?;
        }
        if asked.wants(DOC) {
            self.doc_tests()?;
        }
        if asked.wants(DEMO) {
            self.demo(full && built)?;
        }
        Ok(())
    }

    fn lint(&mut self) -> Result<()> {
        let shell = self.shell.clone();
        let checks = [
            ("fmt", cmd!(shell, "cargo fmt --all --check")),
            ("clippy", cmd!(shell, "cargo clippy --workspace --all-targets -- --deny warnings")),
            // Not `advisories`: their database comes from the network and changes without a commit.
            ("deny", cmd!(shell, "cargo deny --log-level error check licenses bans sources")),
        ];
        for (name, command) in checks {
            let title = format!("lint: {name}");
            let ran = self.steps.run(&title, command, LINT_LIMIT)?;
            self.rows.push(Row::check(&title, ran.success, ran.elapsed));
        }
        Ok(())
    }

    fn tidy(&mut self, full: bool) -> Result<()> {
        let scope = if full { self.scope.clone() } else { vec!["--package".to_owned(), "xtask".to_owned()] };
        self.job("lint: tidy", TIDY, scope, TIDY_MINUTES)
    }

    /// Whether all tests compile: else no job can run.
    fn build(&mut self) -> Result<bool> {
        let (shell, scope) = (self.shell.clone(), self.scope.clone());
        let command = cmd!(shell, "cargo nextest run --profile ci {scope...} --no-run");
        Ok(self.steps.run("build", command, BUILD_LIMIT)?.success)
    }

    fn job(&mut self, name: &str, filter: &str, scope: Vec<String>, minutes: u32) -> Result<()> {
        let written = self.reports.join("junit.xml");
        let kept = self.reports.join(format!("{}.xml", name.replace(": ", "-")));
        for stale in [&written, &kept] {
            if stale.exists() {
                std::fs::remove_file(stale).with_context(|| format!("cannot remove {}", stale.display()))?;
            }
        }
        let shell = self.shell.clone();
        let command = cmd!(shell, "cargo nextest run --profile ci --no-tests fail {scope...} -E {filter}");
        let ran = self.steps.run(name, command, MINUTE * minutes)?;
        let mut counts = Counts::default();
        if written.exists() {
            std::fs::rename(&written, &kept)?;
            counts = count(&std::fs::read_to_string(&kept)?).unwrap_or_default();
        }
        if ran.success && counts == Counts::default() {
            self.steps.note(&format!("{name}: no test ran, or none is in {}", kept.display()));
        }
        self.rows.push(Row::job(name, ran.success, counts, ran.elapsed));
        Ok(())
    }

    /// Nothing can pass by not running: a test that is in no job's filter is a failure.
    fn leftovers(&mut self, jobs: &[Job]) -> Result<()> {
        let run: Vec<String> = jobs.iter().map(|job| format!("({})", job.filter)).collect();
        let filter = format!("all() - ({} + ({TIDY}))", run.join(" + "));
        let shell = self.shell.clone();
        let title = "tests that no job runs";
        let list = cmd!(shell, "cargo nextest list --workspace --message-format oneline -E {filter}");
        let ran = self.steps.run(title, list, BUILD_LIMIT)?;
        let log = std::fs::read_to_string(&ran.log)?;
        // Cargo's own lines are indented or end in a colon; a test is `binary name`.
        let left: Vec<&str> = log.lines().filter(|line| is_listed_test(line)).collect();
        for test in &left {
            self.steps.note(&format!("no job of ci/jobs.toml runs {test}"));
        }
        if !ran.success || !left.is_empty() {
            let counts = Counts { passed: 0, failed: left.len().max(1) };
            self.rows.push(Row { name: title.to_owned(), counts, elapsed: ran.elapsed });
        }
        Ok(())
    }

    /// Runs `up --demo` as a newcomer would, with the programs that the tests used where those were all built.
    fn demo(&mut self, built: bool) -> Result<()> {
        let (shell, itself) = (self.shell.clone(), self.itself.clone());
        let programs: &[&str] = if built { &["--programs", "target/debug"] } else { &[] };
        let command = cmd!(shell, "{itself} up --demo --plain {programs...}");
        let ran = self.steps.run(DEMO, command, MINUTE * DEMO_MINUTES)?;
        let counts = count_demo(&std::fs::read_to_string(&ran.log)?);
        self.rows.push(Row::job(DEMO, ran.success, counts, ran.elapsed));
        Ok(())
    }

    fn doc_tests(&mut self) -> Result<()> {
        let shell = self.shell.clone();
        let title = "doc tests";
        let ran = self.steps.run(title, cmd!(shell, "cargo test --workspace --doc --no-fail-fast"), BUILD_LIMIT)?;
        let log = std::fs::read_to_string(&ran.log)?;
        let counts = count_doc_tests(&log);
        self.rows.push(Row::job(title, ran.success, counts, ran.elapsed));
        Ok(())
    }
}

fn is_listed_test(line: &str) -> bool {
    let words: Vec<&str> = line.split(' ').collect();
    matches!(words.as_slice(), [binary, test] if !binary.is_empty() && !test.is_empty() && !binary.ends_with(':'))
}

#[cfg(test)]
mod tests {
    use super::is_listed_test;

    #[test]
    fn tests_are_told_from_what_cargo_says() {
        assert!(is_listed_test("ashlar-common stats::tests::unknown_is_not_zero"));
        assert!(!is_listed_test("    Finished `dev` profile [unoptimized] target(s) in 0.05s"));
        assert!(!is_listed_test("warning: unused"));
        assert!(!is_listed_test(""));
    }
}
