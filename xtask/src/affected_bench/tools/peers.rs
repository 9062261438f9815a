//! The peers, as programs: in the versions named here, built from the registry when asked to, else left out by name.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::{Answer, Question, Tool};
use crate::{affected_bench::programs::Programs, terminal};

const LIMIT: Duration = Duration::from_secs(300);
const INSTALL_LIMIT: Duration = Duration::from_secs(3600);

/// What installs a peer, and the program that comes of it.
struct Wanted {
    name: &'static str,
    version: &'static str,
    program: &'static str,
}

const DELTA: Wanted = Wanted { name: "cargo-delta", version: "0.5.0", program: "cargo-delta" };
/// Later ones need a newer compiler than this workspace.
const RAIL: Wanted = Wanted { name: "cargo-rail", version: "0.21.0", program: "cargo-rail" };
/// A library: a program of a few lines is made for it.
const DETERMINATOR: Wanted = Wanted { name: "determinator", version: "0.13.0", program: "ask-determinator" };

const ASK_MANIFEST: &str = "\
[package]
name = \"ask-determinator\"
version = \"0.0.0\"
edition = \"2024\"

[dependencies]
determinator = \"=0.13.0\"
guppy = \"0.19\"

[workspace]
";
const ASK_SOURCE: &str = "\
//! `ask-determinator OLD NEW PATHS`: metadata of both sides, and changed paths with NUL between them.
use std::{env, error::Error, fs};

use determinator::Determinator;
use guppy::graph::{DependencyDirection, PackageGraph};

fn main() -> Result<(), Box<dyn Error>> {
    let file = |n| fs::read_to_string(env::args().nth(n).unwrap_or_default());
    let (old, new) = (PackageGraph::from_json(file(1)?)?, PackageGraph::from_json(file(2)?)?);
    let paths = file(3)?;
    let mut determinator = Determinator::new(&old, &new);
    determinator.add_changed_paths(paths.split('\\0').filter(|path| !path.is_empty()));
    for package in determinator.compute().affected_set.packages(DependencyDirection::Forward) {
        println!(\"{}\", package.name());
    }
    Ok(())
}
";

/// cargo-delta with its defaults: a snapshot of either side, and what depends on the difference.
pub(in crate::affected_bench) struct Delta(PathBuf);

/// cargo-rail with its defaults.
pub(in crate::affected_bench) struct Rail(PathBuf);

/// guppy's determinator with its defaults.
pub(in crate::affected_bench) struct Determinator(PathBuf);

/// Tools that can be asked, and what is said of those that cannot.
pub(in crate::affected_bench) type Peers = (Vec<Box<dyn Tool>>, Vec<String>);

/// The peers that are below `root`, and those that are not, by name.
pub(in crate::affected_bench) fn installed(root: &Path) -> Peers {
    let (mut here, mut absent): Peers = (Vec::new(), Vec::new());
    for wanted in [DETERMINATOR, DELTA, RAIL] {
        let program = root.join("bin").join(wanted.program);
        if !program.is_file() {
            absent.push(format!("{} {}: not installed (--install-peers)", wanted.name, wanted.version));
        } else if wanted.name == DELTA.name {
            here.push(Box::new(Delta(program)));
        } else if wanted.name == RAIL.name {
            here.push(Box::new(Rail(program)));
        } else {
            here.push(Box::new(Determinator(program)));
        }
    }
    (here, absent)
}

/// Builds the peers that are not below `root` yet; those that cannot be are told, and stay absent.
pub(in crate::affected_bench) fn install(programs: &Programs, root: &Path) -> Result<()> {
    fs::create_dir_all(root).with_context(|| format!("cannot make {}", root.display()))?;
    for wanted in [DETERMINATOR, DELTA, RAIL] {
        if root.join("bin").join(wanted.program).is_file() {
            continue;
        }
        terminal::complain(&format!("installing {} {}\n", wanted.name, wanted.version));
        let mut command = programs.command("cargo", root)?;
        command.env("CARGO_NET_OFFLINE", "false").args(["install", "--quiet"]);
        if wanted.name == DETERMINATOR.name {
            let source = root.join("ask-determinator");
            fs::create_dir_all(source.join("src"))?;
            fs::write(source.join("Cargo.toml"), ASK_MANIFEST)?;
            fs::write(source.join("src/main.rs"), ASK_SOURCE)?;
            command.arg("--path").arg(&source);
        } else {
            command.args(["--locked", wanted.name, "--version", wanted.version]);
        }
        command.arg("--root").arg(root).arg("--target-dir").arg(root.join("build"));
        let ran = programs.run(command, INSTALL_LIMIT)?;
        if !ran.status.success() {
            terminal::complain(&format!("{} cannot be installed: {}\n", wanted.name, ran.said()));
        }
    }
    Ok(())
}

/// What is needed of cargo-rail's plan.
#[derive(Deserialize)]
struct RailPlan {
    scope: RailScope,
}

#[derive(Deserialize)]
struct RailScope {
    mode: String,
    crates: BTreeSet<String>,
}

/// Runs a peer that prints one package a line.
fn packages(question: &Question<'_>, command: Command) -> Result<Answer> {
    let ran = question.programs.run(command, LIMIT)?;
    if !ran.status.success() {
        return Ok(question.refusal(ran.said()));
    }
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    let packages: BTreeSet<String> = text.split_whitespace().map(str::to_owned).collect();
    Ok(Answer { run: question.jobs_of(&packages), ..Answer::default() })
}

impl Delta {
    fn snapshot(&self, programs: &Programs, tree: &Path, into: &Path) -> Result<Command> {
        let mut command = programs.command(&self.0, tree)?;
        command.args(["delta", "snapshot", "--output"]).arg(into);
        Ok(command)
    }
}

impl Tool for Delta {
    fn name(&self) -> String {
        format!("cargo-delta {}", DELTA.version)
    }

    fn prepare(&self, programs: &Programs, tree: &Path, aside: &Path) -> Result<()> {
        programs.must(self.snapshot(programs, tree, &aside.join("delta-base.json"))?, LIMIT).map(drop)
    }

    fn ask(&self, question: &Question<'_>) -> Result<Answer> {
        let (old, new) = (question.aside.join("delta-base.json"), question.aside.join("delta-head.json"));
        let ran = question.programs.run(self.snapshot(question.programs, question.tree, &new)?, LIMIT)?;
        if !ran.status.success() {
            return Ok(question.refusal(ran.said()));
        }
        let mut command = question.programs.command(&self.0, question.tree)?;
        command.args(["delta", "impact", "--affected", "--format", "names"]);
        command.arg("--baseline").arg(old).arg("--current").arg(new);
        packages(question, command)
    }
}

impl Tool for Rail {
    fn name(&self) -> String {
        format!("cargo-rail {}", RAIL.version)
    }

    fn ask(&self, question: &Question<'_>) -> Result<Answer> {
        let mut command = question.programs.command(&self.0, question.tree)?;
        command.args(["rail", "plan", "--since", "main", "--format", "json"]);
        let ran = question.programs.run(command, LIMIT)?;
        if !ran.status.success() {
            // It tells its errors in JSON too.
            return Ok(question.refusal(String::from_utf8_lossy(&ran.stdout).into_owned()));
        }
        let plan: RailPlan = serde_json::from_slice(&ran.stdout).context("cargo-rail printed no plan")?;
        let run = match plan.scope.mode.as_str() {
            "crates" => question.jobs_of(&plan.scope.crates),
            "empty" => BTreeSet::new(),
            _ => question.every_job(),
        };
        Ok(Answer { run, ..Answer::default() })
    }
}

impl Determinator {
    fn metadata(programs: &Programs, tree: &Path, into: &Path) -> Result<Option<String>> {
        let mut command = programs.command("cargo", tree)?;
        command.args(["metadata", "--format-version", "1", "--offline"]);
        let ran = programs.run(command, LIMIT)?;
        if !ran.status.success() {
            return Ok(Some(ran.said()));
        }
        fs::write(into, ran.stdout).with_context(|| format!("cannot write {}", into.display()))?;
        Ok(None)
    }
}

impl Tool for Determinator {
    fn name(&self) -> String {
        format!("guppy's determinator {}", DETERMINATOR.version)
    }

    fn prepare(&self, programs: &Programs, tree: &Path, aside: &Path) -> Result<()> {
        Self::metadata(programs, tree, &aside.join("metadata-base.json")).map(drop)
    }

    fn ask(&self, question: &Question<'_>) -> Result<Answer> {
        let aside = question.aside;
        if let Some(said) = Self::metadata(question.programs, question.tree, &aside.join("metadata-head.json"))? {
            return Ok(question.refusal(said));
        }
        let paths: Vec<u8> =
            question.changes.iter().flat_map(|change| [change.path.as_bytes(), b"\0"].concat()).collect();
        // It takes UTF-8 alone.
        fs::write(aside.join("paths"), String::from_utf8_lossy(&paths).as_bytes())?;
        let mut command = question.programs.command(&self.0, question.tree)?;
        command.args(["metadata-base.json", "metadata-head.json", "paths"].map(|name| aside.join(name)));
        packages(question, command)
    }
}
