//! The command line of `affected-tests`: plans and prints.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, ValueEnum};

use super::{
    check::check,
    explain::explain,
    picture::{layers::layout, nodes::graph, svg::svg},
    planned::{Asked, Planned, Records},
    render::{
        buildkite::buildkite, filterset::filterset, github::github, gitlab::gitlab, json::json, text::text, zuul::zuul,
    },
    schema::schemas,
};
use crate::terminal;

/// Says which jobs a change needs, with the reason for each
///
/// The change is what differs between the merge-base of the base and HEAD, and the work tree: committed, staged,
/// unstaged and untracked files. A path selects the jobs of its package and of all that depends on it; rules in
/// ci/jobs.toml place the rest; what nothing places selects every job, and so does a base that cannot be found.
///
/// Manifests and Cargo.lock select by what differs in them: a crate that one driver uses selects that driver's job, a
/// profile every job, a comment none. Where they cannot be compared, every job runs and the reason is told.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cargo xtask affected-tests
  cargo xtask affected-tests --base origin/main --format json
  cargo xtask affected-tests --base v0.1.0 --head HEAD
  cargo xtask affected-tests --format gitlab > child.yml
  cargo nextest run -E \"$(cargo xtask affected-tests --format filterset)\"
  cargo xtask affected-tests --graph > target/plan.svg
  cargo xtask affected-tests --check
  cargo xtask affected-tests --explain driver-local
  cargo xtask affected-tests --explain common/src/stats.rs

Exit status:
  0  a plan was made (also one with every job, or with none)
  1  --check found something
  2  no plan: not a git work tree, a revision that does not exist, a broken manifest or job table")]
pub struct AffectedTests {
    /// Compare with the merge-base of this revision [default: origin/main, main, origin/master or master, the first
    /// that exists]
    #[arg(long, value_name = "REV")]
    base: Option<String>,
    /// Look at this revision instead of HEAD and the work tree; where other manifests than its own are checked out,
    /// every job runs
    #[arg(long, value_name = "REV")]
    head: Option<String>,
    /// The records of earlier runs, as `cargo xtask evidence record` writes them [default: affected/records in the target
    /// folder]
    #[arg(long, value_name = "DIR")]
    records: Option<PathBuf>,
    /// Plan as if no run had ever been recorded
    #[arg(long, conflicts_with = "records")]
    no_records: bool,
    /// Work everything out afresh, and keep nothing in git's folder
    #[arg(long)]
    no_cache: bool,
    /// How to print the plan
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Tell all that leads to a job, or all that a path (changed or not, from the workspace root) leads to
    #[arg(long, value_name = "JOB|PATH", conflicts_with = "format")]
    explain: Option<String>,
    /// Print an SVG picture of how the changed paths reach the jobs
    #[arg(long, conflicts_with_all = ["format", "explain"])]
    graph: bool,
    /// Look instead whether the job table fits the tree: paths that nothing places, rules and patterns without an effect
    #[arg(long, exclusive = true)]
    check: bool,
    /// Print the JSON Schema of a file instead of a plan
    #[arg(long, value_enum, value_name = "FILE", exclusive = true)]
    schema: Option<Written>,
}

/// What has a JSON Schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Written {
    /// ci/jobs.toml
    Jobs,
    /// job.toml in a package's folder
    Job,
    /// The plan, as --format json prints it
    Plan,
}

/// How a plan is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table for people
    Text,
    /// One document for programs
    Json,
    /// The matrix of a GitHub Actions job, on one line
    Github,
    /// A GitLab child pipeline
    Gitlab,
    /// A Buildkite pipeline, to upload
    Buildkite,
    /// What a Zuul job returns, so that only the planned ones of its dependents run
    Zuul,
    /// A nextest filterset of all tests to run, on one line
    Filterset,
}

impl AffectedTests {
    /// Plans for the work tree around `directory` and prints the plan; whether nothing that was checked failed.
    ///
    /// # Errors
    /// No plan can be made; the message says what to do.
    pub fn run(&self, directory: &Path) -> Result<bool> {
        if let Some(written) = self.schema {
            let [jobs, job, plan] = schemas()?;
            let (_, text) = match written {
                Written::Jobs => jobs,
                Written::Job => job,
                Written::Plan => plan,
            };
            terminal::print_exact(text.as_bytes())?;
            return Ok(true);
        }
        if self.check {
            return check(directory);
        }
        let asked = Asked {
            base: self.base.clone(),
            head: self.head.clone(),
            records: match &self.records {
                _ if self.no_records => Records::Ignored,
                Some(folder) => Records::In(folder.clone()),
                None => Records::Usual,
            },
            afresh: self.no_cache,
        };
        let planned = Planned::read(directory, &asked)?;
        for warning in &planned.warnings {
            terminal::complain(&format!("{warning}\n"));
        }
        let planner = planned.planner();
        let plan = planner.plan(&planned.changes);
        let Planned { cargo, table, changes, .. } = &planned;
        match (&self.explain, self.format) {
            (Some(subject), _) => {
                if table.job(subject).is_none() && !cargo.root.join(subject).exists() {
                    let jobs: Vec<&str> = table.jobs.iter().map(|job| job.name.as_str()).collect();
                    terminal::complain(&format!("`{subject}` is no file, and no job either ({})\n", jobs.join(", ")));
                }
                terminal::print(&explain(subject, &planner, table, changes, &plan));
            }
            (None, _) if self.graph => {
                let graph = graph(&planner, changes, &plan);
                let picture = svg(&layout(&graph), &plan.compared, graph.unaffected);
                terminal::print_exact(picture.as_bytes())?;
            }
            (None, Format::Text) => terminal::print(&text(&plan)),
            (None, Format::Json) => terminal::print_exact(json(&plan)?.as_bytes())?,
            (None, Format::Github) => terminal::print_exact(github(&plan)?.as_bytes())?,
            (None, Format::Gitlab) => terminal::print_exact(gitlab(&plan)?.as_bytes())?,
            (None, Format::Buildkite) => terminal::print_exact(buildkite(&plan)?.as_bytes())?,
            (None, Format::Zuul) => terminal::print_exact(zuul(&plan)?.as_bytes())?,
            (None, Format::Filterset) => terminal::print_exact(filterset(&plan).as_bytes())?,
        }
        Ok(true)
    }
}
