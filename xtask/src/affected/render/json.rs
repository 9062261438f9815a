//! A plan for programs. `schema` grows when a field changes its meaning or goes; new fields may come any time.
//!
//! The same types read it back, for the gate, and make the schema in `ci/schema/`.

use anyhow::{Context, Result, ensure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::affected::plan::{Cause, Decision, Plan, Proof, Scope, State, Step};

const SCHEMA: u32 = 1;

/// What `cargo xtask affected-tests --format json` prints: which jobs a change needs, and why.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "plan of affected-tests")]
pub struct Document {
    /// The version of this form: 1.
    pub schema: u32,
    /// What was compared, for people.
    pub compared: String,
    /// How many paths changed.
    pub changed_paths: usize,
    /// Null, or why the change cannot be known and every job runs.
    pub every_job: Option<EveryJob>,
    /// Every job there is, in the order they are shown.
    pub jobs: Vec<PlannedJob>,
}

/// Why every job runs.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct EveryJob {
    /// The reason.
    pub reason: String,
    /// The command that mends it.
    pub mend: String,
}

/// One job of the plan.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PlannedJob {
    /// Unique: letters, digits, `-` and `_`.
    pub name: String,
    /// Whether it runs.
    pub state: PlannedState,
    /// Whether its failure stops this change.
    pub voting: bool,
    /// The packages it covers.
    pub packages: Vec<String>,
    /// What CI runs.
    pub command: String,
    /// The lab (real backend) to raise before.
    pub lab: Option<String>,
    /// Who answers for it.
    pub owners: Vec<String>,
    /// After this many minutes CI ends it.
    pub timeout_minutes: u32,
    /// The shortest way from a changed path to this job; null where none is known.
    pub reason: Option<Reason>,
    /// The run that makes this one needless, where the state is `proved`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<PlannedProof>,
}

/// A run of the same job on the same inputs, that passed.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PlannedProof {
    /// The record of it.
    pub record: String,
    /// The commit that it ran on.
    pub commit: String,
    /// When it ended, in seconds since 1970.
    pub ended: u64,
}

/// Whether a job runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PlannedState {
    /// It runs.
    Run,
    /// Its team leaves changes of common code out.
    Skipped,
    /// It passed on the same inputs before.
    Proved,
    /// Nothing that changed reaches it.
    Unaffected,
}

/// A changed path and the way from it to the job.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// The path, escaped to one line.
    pub path: String,
    /// Whether it is code that the job shares with others.
    pub common: bool,
    /// The way, from just behind the path to just before the job.
    pub steps: Vec<Way>,
}

/// One step of a way.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum Way {
    /// A symbolic link leads to the path.
    Link {
        /// The link.
        path: String,
    },
    /// The path belongs to this package, or it depends on the package before.
    Package {
        /// The package.
        name: String,
    },
    /// Tests of this package depend on the package before.
    TestsOf {
        /// The package.
        name: String,
    },
    /// The job says that it reads paths like this.
    Reads {
        /// The pattern.
        pattern: String,
    },
    /// A rule of the job table places the path.
    Rule {
        /// Its reason.
        why: String,
    },
    /// A manifest or the lock file says this otherwise.
    Manifest {
        /// What.
        what: String,
    },
    /// The same, of something that reaches every package.
    EveryPackage {
        /// What.
        what: String,
    },
    /// Manifests could not be compared.
    Uncompared {
        /// Why.
        why: String,
    },
    /// The job read this path in an earlier run.
    Observed {
        /// The path, or a folder that shows it.
        path: String,
    },
    /// A source names the path.
    Named {
        /// The source.
        source: String,
    },
    /// A source climbs out of its package and may read anything.
    Climbs {
        /// The source.
        source: String,
    },
    /// No rule and no package places the path.
    Unplaced,
}

impl Document {
    /// Reads a plan.
    ///
    /// # Errors
    /// It is no plan of this version, or one that no planner makes: without jobs, or with a job twice.
    pub fn parse(text: &str) -> Result<Self> {
        #[derive(Deserialize)]
        struct Version {
            schema: u32,
        }
        let version: Version = serde_json::from_str(text).context("this is no plan")?;
        ensure!(version.schema == SCHEMA, "the plan has schema {}, and this reads {SCHEMA}", version.schema);
        let document: Self = serde_json::from_str(text).context("this is no plan")?;
        ensure!(!document.jobs.is_empty(), "the plan holds no job at all");
        for (index, job) in document.jobs.iter().enumerate() {
            let good = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
            ensure!(!job.name.is_empty() && job.name.chars().all(good), "`{}` is no name of a job", job.name);
            ensure!(document.jobs[..index].iter().all(|other| other.name != job.name), "{} is there twice", job.name);
            let left_out =
                document.every_job.is_some() && !matches!(job.state, PlannedState::Run | PlannedState::Proved);
            ensure!(!left_out, "every job was to run, and {} is left out", job.name);
            let proved = job.state == PlannedState::Proved;
            ensure!(proved == job.proof.is_some(), "{} is proved by no record, or run in spite of one", job.name);
        }
        Ok(document)
    }
}

/// The plan as one JSON document, with a newline at its end.
///
/// # Errors
/// None that a plan can cause.
pub fn json(plan: &Plan) -> Result<String> {
    let every_job = plan.every_job.as_ref();
    let document = Document {
        schema: SCHEMA,
        compared: plan.compared.clone(),
        changed_paths: plan.changed_paths,
        every_job: every_job.map(|(reason, mend)| EveryJob { reason: reason.clone(), mend: mend.clone() }),
        jobs: plan.jobs.iter().map(job).collect(),
    };
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

fn job(decision: &Decision) -> PlannedJob {
    let job = &decision.job;
    PlannedJob {
        name: job.name.clone(),
        state: match decision.state {
            State::Run => PlannedState::Run,
            State::Skipped => PlannedState::Skipped,
            State::Proved => PlannedState::Proved,
            State::Unaffected => PlannedState::Unaffected,
        },
        voting: decision.voting,
        packages: job.packages.clone(),
        command: job.command.clone(),
        lab: job.lab.clone(),
        owners: job.owners.clone(),
        timeout_minutes: job.timeout_minutes,
        reason: decision.cause.as_ref().map(reason),
        proof: decision.proof.clone().map(|Proof { record, commit, ended }| PlannedProof { record, commit, ended }),
    }
}

fn reason(cause: &Cause) -> Reason {
    Reason {
        path: cause.path.to_string(),
        common: cause.scope == Scope::Common,
        steps: cause.steps.iter().map(way).collect(),
    }
}

fn way(step: &Step) -> Way {
    match step.clone() {
        Step::Link(at) => Way::Link { path: at.to_string() },
        Step::Package(name) => Way::Package { name },
        Step::TestsOf(name) => Way::TestsOf { name },
        Step::Reads(pattern) => Way::Reads { pattern },
        Step::Rule(why) => Way::Rule { why },
        Step::Manifest(what) => Way::Manifest { what },
        Step::EveryPackage(what) => Way::EveryPackage { what },
        Step::Uncompared(why) => Way::Uncompared { why },
        Step::Observed(path) => Way::Observed { path: path.to_string() },
        Step::Named(source) => Way::Named { source: source.to_string() },
        Step::Climbs(source) => Way::Climbs { source: source.to_string() },
        Step::Unplaced => Way::Unplaced,
    }
}
