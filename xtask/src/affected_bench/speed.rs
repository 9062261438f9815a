//! How long an answer takes, beside the least that any answer needs: git's own work, and `cargo metadata`.
//!
//! All programs run in turn, again and again in one process, so that other load falls on all alike. What is told is the
//! median, and how many times the floor that is.

use std::{
    fmt::Write,
    fs,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use super::{
    programs::Programs,
    sandbox::Sandbox,
    tools::{Evidence, Ours, Question, Tool},
    truth::changes,
    workspace::large,
};
use crate::{
    affected::{cargo::Cargo, git::Git, jobs::JobTable},
    bench::client::histogram::Histogram,
    terminal,
};

const LIMIT: Duration = Duration::from_secs(300);
const MEMBERS: usize = 300;
const LOCKED: usize = 1200;
/// What the planner keeps between calls, from the root of the workspace.
const CACHE: &str = ".git/affected-tests";

/// What is edited.
#[derive(Clone, Copy)]
enum Edited {
    Source,
    Manifest,
}

/// What is timed.
type Work<'a> = Box<dyn Fn() -> Result<()> + 'a>;

/// The figures of one edit of one workspace.
struct Figures {
    title: String,
    /// What ran, and how long: the floors first.
    rows: Vec<(String, Duration)>,
}

/// Measures a made-up workspace and a clone of `repository`, each with an edited source and an edited manifest, `runs`
/// times; the tables in Markdown.
pub(super) fn speed(
    programs: &Programs,
    repository: &Path,
    peers: &[Box<dyn Tool>],
    absent: &[String],
    runs: u32,
) -> Result<String> {
    let mut out = String::new();
    for made_up in [true, false] {
        let folder = tempfile::Builder::new().prefix("affected-speed-").tempdir();
        let folder = folder.context("cannot make a temporary directory")?;
        let sandbox = Sandbox::new(folder.path(), programs)?;
        let name = if made_up {
            sandbox.plant_tree(&large(MEMBERS, LOCKED))?;
            format!("{MEMBERS} made-up members, {LOCKED} locked packages")
        } else {
            sandbox.adopt(repository)?;
            "this repository".to_owned()
        };
        for peer in peers {
            peer.prepare(programs, &sandbox.tree(), &sandbox.aside()).with_context(|| peer.name())?;
        }
        sandbox.keep()?;
        for (edited, what) in [(Edited::Source, "a source"), (Edited::Manifest, "a manifest")] {
            sandbox.reset()?;
            edit(&sandbox.tree(), edited)?;
            sandbox.commit_all(&sandbox.tree(), false)?;
            let rows = measured(&sandbox, peers, runs)?;
            out.push_str(&table(&Figures { title: format!("{name}; {what} edited, {runs} runs"), rows }));
        }
    }
    for peer in absent {
        let _ = writeln!(out, "{peer}");
    }
    Ok(out)
}

/// A comment in a source, or one feature more in a manifest, of the member that is last in order and has none yet.
fn edit(tree: &Path, edited: Edited) -> Result<()> {
    let wanted: &[u8] = match edited {
        Edited::Source => b"/src/lib.rs",
        Edited::Manifest => b"/Cargo.toml",
    };
    for path in Git::open(tree)?.tracked()?.iter().rev().filter(|path| !path.as_bytes().starts_with(b"supply/")) {
        let at = tree.join(path.to_path_buf());
        let text = if path.as_bytes().ends_with(wanted) { fs::read_to_string(&at)? } else { continue };
        let more = match edited {
            Edited::Source => "// A comment.\n",
            Edited::Manifest if text.contains("[features]") || !text.contains("[package]") => continue,
            Edited::Manifest => "\n[features]\nmore = []\n",
        };
        return fs::write(&at, text + more).with_context(|| format!("cannot edit {path}"));
    }
    anyhow::bail!("there is nothing to edit")
}

fn measured(sandbox: &Sandbox<'_>, peers: &[Box<dyn Tool>], runs: u32) -> Result<Vec<(String, Duration)>> {
    let (programs, tree) = (sandbox.programs, sandbox.tree());
    let cargo = Cargo::read(&tree)?;
    let table = JobTable::read(&cargo.root, &cargo.workspace)?;
    let changes = changes(programs, &tree, "main")?;
    let aside = sandbox.aside();
    let question = Question {
        programs,
        tree: &tree,
        aside: &aside,
        changes: &changes,
        table: &table,
        workspace: &cargo.workspace,
    };
    let ours = Ours::here(Evidence::None)?;
    let cache = tree.join(CACHE);
    let mut works: Vec<(String, Work<'_>)> = vec![
        ("git alone".to_owned(), Box::new(|| plumbing(programs, &tree))),
        ("cargo metadata".to_owned(), Box::new(|| metadata(programs, &tree))),
        (
            "affected-tests, cold".to_owned(),
            Box::new(|| {
                if cache.exists() {
                    fs::remove_dir_all(&cache).context("cannot remove what the planner kept")?;
                }
                answered(&ours, &question)
            }),
        ),
        ("affected-tests, warm".to_owned(), Box::new(|| answered(&ours, &question))),
    ];
    for peer in peers {
        works.push((peer.name(), Box::new(|| answered(&**peer, &question))));
    }
    let mut times = vec![Histogram::default(); works.len()];
    for run in 0..runs {
        for ((name, work), times) in works.iter().zip(&mut times) {
            let started = Instant::now();
            work().with_context(|| name.clone())?;
            times.record(started.elapsed());
        }
        terminal::complain(&format!("run {} of {runs}\n", run + 1));
    }
    Ok(works.into_iter().map(|(name, _)| name).zip(times.iter().map(Histogram::median)).collect())
}

/// Who refuses is quick, and that is no figure.
fn answered(tool: &dyn Tool, question: &Question<'_>) -> Result<()> {
    match tool.ask(question)?.refused {
        Some(said) => anyhow::bail!("{} refuses: {said}", tool.name()),
        None => Ok(()),
    }
}

/// The questions to git that no planner gets around: the base, what differs, what is untracked.
fn plumbing(programs: &Programs, tree: &Path) -> Result<()> {
    let base = programs.git(tree, &["merge-base", "--all", "main", "HEAD"])?;
    let base = String::from_utf8_lossy(&base).trim().to_owned();
    programs.git(tree, &["diff", "--raw", "-z", "--no-renames", &base])?;
    programs.git(tree, &["ls-files", "-z", "--others", "--exclude-standard"]).map(drop)
}

fn metadata(programs: &Programs, tree: &Path) -> Result<()> {
    let mut command = programs.command("cargo", tree)?;
    command.args(["metadata", "--format-version", "1", "--locked", "--offline"]);
    programs.must(command, LIMIT).map(drop)
}

fn table(figures: &Figures) -> String {
    let mut out = format!("| {} | ms | git alone x | cargo metadata x |\n|---|---:|---:|---:|\n", figures.title);
    let [(_, git), (_, metadata), ..] = figures.rows.as_slice() else { return out };
    for (name, time) in &figures.rows {
        let times = |floor: &Duration| time.as_secs_f64() / floor.as_secs_f64().max(f64::EPSILON);
        let _ = writeln!(
            out,
            "| {name} | {:.0} | {:.1} | {:.2} |",
            time.as_secs_f64() * 1000.0,
            times(git),
            times(metadata)
        );
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Figures, table};

    #[test]
    fn each_time_stands_beside_both_floors() {
        let row = |name: &str, milliseconds| (name.to_owned(), Duration::from_millis(milliseconds));
        let rows = vec![row("git alone", 10), row("cargo metadata", 100), row("affected-tests, warm", 25)];
        insta::assert_snapshot!(table(&Figures { title: "t".to_owned(), rows }), @r"
        | t | ms | git alone x | cargo metadata x |
        |---|---:|---:|---:|
        | git alone | 10 | 1.0 | 0.10 |
        | cargo metadata | 100 | 10.0 | 1.00 |
        | affected-tests, warm | 25 | 2.5 | 0.25 |
        ");
    }
}
