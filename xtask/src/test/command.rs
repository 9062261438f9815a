//! The command line of `test`, and the order of its steps.

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};
use clap::Args;
use xshell::cmd;

use super::{
    junit::{Counts, count_closing, count_doc_tests},
    labs::{self, with_lab},
    runner::{BUILD_LIMIT, MINUTE, Runner, TIDY},
    summary::{Row, passed, table},
};
use crate::{
    affected::{
        cargo::Cargo,
        jobs::{Job, JobTable, Lab},
    },
    itself,
    step::Steps,
    stop::Stop,
    terminal,
};

/// Words that are taken where a job's name is.
const LINT: &str = "lint";
const DOC: &str = "doc";
/// The demonstration of `cargo xtask up --demo`: the other command of the README.
const DEMO: &str = "demo";
/// All of them.
pub const WORDS: [&str; 4] = [LINT, DOC, DEMO, AFFECTED];
const DEMO_MINUTES: u32 = 10;
/// The planner of affected tests, held against builds and runs of a made-up workspace.
const AFFECTED: &str = "affected-bench";
const AFFECTED_MINUTES: u32 = 20;
/// Listed cases of each kind, and drawn ones: a few minutes. `cargo xtask affected-bench` alone plays all listed ones.
const AFFECTED_CASES: [&str; 6] = ["--cases", "*", "--at-most", "64", "--random", "16"];

/// Runs all checks and tests, after installing what is missing
///
/// On a fresh Debian 12 with Rust it installs what the tests need and says so; then lints, builds once, runs each job
/// of ci/jobs.toml with a JUnit report of its own (target/nextest/ci/JOB.xml), the documentation tests, the
/// demonstration of `up --demo` and a part of `affected-bench`, and ends with a table. A job that ran no test has failed, and so has a test that no job ran.
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
    /// Jobs of ci/jobs.toml, `lint`, `doc`, `demo` or `affected-bench` [default: everything]
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
        let itself = itself::path()?;
        let cargo = Cargo::read(directory)?;
        let JobTable { jobs, labs, .. } = JobTable::read(&cargo.root, &cargo.workspace)?;
        for name in self.jobs.iter().filter(|name| !WORDS.contains(&name.as_str())) {
            if !jobs.iter().any(|job| job.name == *name) {
                let all: Vec<&str> = jobs.iter().map(|job| job.name.as_str()).chain(WORDS).collect();
                bail!("no job `{name}`; there are {}", all.join(", "));
            }
        }
        let plain = self.plain || !std::io::stderr().is_terminal();
        let steps = Steps::new(cargo.target.join("test-logs"), plain, Stop::on_signals()?)?;
        let chosen: Vec<&Job> = jobs.iter().filter(|job| self.wants(&job.name)).collect();
        let mut runner = Runner::prepare(&cargo, steps, &chosen)?;
        if !self.jobs.is_empty() {
            runner.narrow(&chosen);
        }
        let mut run = Run { runner, labs, rows: Vec::new(), itself };
        run.everything(self, &jobs, &chosen)?;
        terminal::print(&table(&run.rows));
        Ok(passed(&run.rows))
    }

    fn wants(&self, name: &str) -> bool {
        self.jobs.is_empty() || self.jobs.iter().any(|wanted| wanted == name)
    }
}

struct Run {
    runner: Runner,
    labs: Vec<Lab>,
    rows: Vec<Row>,
    /// This program's path, asked for before the build of the workspace puts its own there.
    itself: PathBuf,
}

impl Run {
    fn everything(&mut self, asked: &Test, jobs: &[Job], chosen: &[&Job]) -> Result<()> {
        let full = asked.jobs.is_empty();
        let lint = asked.wants(LINT);
        let counted = if lint { self.runner.lints() } else { 0 }
            + if chosen.is_empty() { 0 } else { 1 + chosen.len() + labs::steps(chosen) };
        let steps = &self.runner.steps;
        let others = [DOC, DEMO, AFFECTED].into_iter().filter(|other| asked.wants(other)).count();
        steps.expect(counted + others + usize::from(full));
        if lint {
            self.rows.extend(self.runner.lint()?);
        }
        let built = chosen.is_empty() || self.runner.build()?;
        if lint {
            self.rows.extend(self.runner.tidy(full)?);
        }
        for job in chosen {
            let ran = || with_lab(&self.runner, &self.labs, job, |runner| runner.job(job));
            self.rows.push(if built { ran()? } else { Row::not_built(&job.name) });
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
        if asked.wants(AFFECTED) {
            self.affected_bench()?;
        }
        Ok(())
    }

    /// Nothing can pass by not running: a test that is in no job's filter is a failure.
    fn leftovers(&mut self, jobs: &[Job]) -> Result<()> {
        let run: Vec<String> = jobs.iter().map(|job| format!("({})", job.filter)).collect();
        let filter = format!("all() - ({} + ({TIDY}))", run.join(" + "));
        let shell = &self.runner.shell;
        let title = "tests that no job runs";
        let list = cmd!(shell, "cargo nextest list --workspace --message-format oneline -E {filter}");
        let ran = self.runner.steps.run(title, list, BUILD_LIMIT)?;
        let log = std::fs::read_to_string(&ran.log)?;
        // Cargo's own lines are indented or end in a colon; a test is `binary name`.
        let left: Vec<&str> = log.lines().filter(|line| is_listed_test(line)).collect();
        for test in &left {
            self.runner.steps.note(&format!("no job of ci/jobs.toml runs {test}"));
        }
        if !ran.success || !left.is_empty() {
            let counts = Counts { passed: 0, failed: left.len().max(1) };
            self.rows.push(Row { name: title.to_owned(), counts, elapsed: ran.elapsed });
        }
        Ok(())
    }

    /// Runs `up --demo` as a newcomer would, with the programs that the tests used where those were all built.
    fn demo(&mut self, built: bool) -> Result<()> {
        let (shell, itself) = (&self.runner.shell, &self.itself);
        let mut command = cmd!(shell, "{itself} up --demo --plain");
        if built {
            command = command.arg("--programs").arg(self.runner.programs());
        }
        let ran = self.runner.steps.run(DEMO, command, MINUTE * DEMO_MINUTES)?;
        let counts = count_closing(&std::fs::read_to_string(&ran.log)?);
        self.rows.push(Row::job(DEMO, ran.success, counts, ran.elapsed));
        Ok(())
    }

    /// Each case is a test: a needed job that was left out is a failure.
    fn affected_bench(&mut self) -> Result<()> {
        let (shell, itself) = (&self.runner.shell, &self.itself);
        let command = cmd!(shell, "{itself} affected-bench {AFFECTED_CASES...}");
        let ran = self.runner.steps.run(AFFECTED, command, MINUTE * AFFECTED_MINUTES)?;
        let counts = count_closing(&std::fs::read_to_string(&ran.log)?);
        self.rows.push(Row::job(AFFECTED, ran.success, counts, ran.elapsed));
        Ok(())
    }

    fn doc_tests(&mut self) -> Result<()> {
        let shell = &self.runner.shell;
        let title = "doc tests";
        let command = cmd!(shell, "cargo test --workspace --doc --no-fail-fast");
        let ran = self.runner.steps.run(title, command, BUILD_LIMIT)?;
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
