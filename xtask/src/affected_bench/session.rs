//! One call of the bench: makes sandboxes, builds their bases, plays the cases, sums up, cleans up.

use std::{
    fs,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::Path,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use globset::Glob;

use super::{
    bench::{Bench, Played},
    cases::{self, Case, random::Source},
    programs::Programs,
    report::Report,
    sandbox::Sandbox,
    score::Judged,
    tools::{Everything, Evidence, Folders, Irrelevant, Ours, Peers, ReverseDependencies, Tool, installed},
    tree::Node,
    truth::Baseline,
    workspace::{SUPPLIED, design::Design},
};
use crate::{
    affected::{cargo::Cargo, git::Git, jobs::JobTable, path::RepoPath},
    terminal,
};

const QUICK: Duration = Duration::from_secs(60);
/// Larger files are not drawn for an edit.
const LARGEST_DRAWN: u64 = 1 << 20;

/// How cases are played.
pub(super) struct Session<'a> {
    /// How programs are started.
    pub(super) programs: &'a Programs,
    /// Holds the sandboxes.
    pub(super) target: &'a Path,
    /// Where peers are installed.
    pub(super) peers: &'a Path,
    /// Draws.
    pub(super) seed: u64,
    /// Whether a miss ends it, with the sandbox kept.
    pub(super) keep: bool,
}

/// Which cases.
pub(super) struct Wanted<'a> {
    /// Listed cases whose names match.
    pub(super) listed: Option<&'a str>,
    /// No more than so many of them.
    pub(super) at_most: Option<usize>,
    /// So many drawn ones.
    pub(super) random: u64,
    /// A checkout to draw in, instead of a drawn workspace.
    pub(super) checkout: Option<&'a Path>,
}

impl Session<'_> {
    /// Plays all that is wanted. Returns also how many cases that were: fewer are in the report where a miss ended it.
    pub(super) fn play(&self, wanted: &Wanted<'_>) -> Result<(Report, usize)> {
        let (tools, absent) = self.tools()?;
        let (mut judged, mut planned) = (Vec::new(), 0);
        if let Some(pattern) = wanted.listed {
            let toolchain = self.toolchain();
            let chosen = chosen(cases::listed(toolchain.is_some()), pattern, wanted.at_most, self.seed)?;
            planned += chosen.len();
            if !chosen.is_empty() {
                let plant = |sandbox: &Sandbox<'_>| sandbox.plant(&Design::listed(), toolchain.as_deref());
                judged.extend(self.in_sandbox(plant, |_| Ok(chosen), &tools)?);
            }
        }
        if wanted.random > 0 {
            planned += usize::try_from(wanted.random)?;
            let plant = |sandbox: &Sandbox<'_>| match wanted.checkout {
                Some(checkout) => sandbox.adopt(checkout),
                None => sandbox.plant(&Design::seeded(self.seed), self.toolchain().as_deref()),
            };
            let supplied: &[&str] = if wanted.checkout.is_some() { &[] } else { &SUPPLIED };
            let draw = |tree: &Path| self.drawn(tree, wanted.random, supplied);
            judged.extend(self.in_sandbox(plant, draw, &tools)?);
        }
        let names: Vec<String> = tools.iter().map(|tool| tool.name()).collect();
        let ours = ours(&tools);
        Ok((Report::new(self.told(wanted), &names, ours, &judged, absent), planned))
    }

    fn told(&self, wanted: &Wanted<'_>) -> String {
        let listed = wanted.listed.map(|pattern| format!("listed {pattern}"));
        let random = (wanted.random > 0).then(|| {
            let place = if wanted.checkout.is_some() { " in a checkout" } else { "" };
            format!("{} drawn with seed {}{place}", wanted.random, self.seed)
        });
        listed.into_iter().chain(random).collect::<Vec<_>>().join(", ")
    }

    /// Who is asked, ours first; and the peers that cannot be.
    fn tools(&self) -> Result<Peers> {
        let mut tools: Vec<Box<dyn Tool>> = vec![
            Box::new(Ours::here(Evidence::None)?),
            Box::new(Ours::here(Evidence::OfTheBase)?),
            Box::new(Everything),
            Box::new(Folders),
            Box::new(Irrelevant),
            Box::new(ReverseDependencies),
        ];
        let (peers, absent) = installed(self.peers);
        tools.extend(peers);
        Ok((tools, absent))
    }

    /// The toolchain that rustup has active here; none where there is no rustup.
    fn toolchain(&self) -> Option<String> {
        let mut command = self.programs.command("rustup", self.target).ok()?;
        command.args(["show", "active-toolchain"]);
        let shown = self.programs.must(command, QUICK).ok()?;
        String::from_utf8_lossy(&shown).split_whitespace().next().map(str::to_owned)
    }

    fn in_sandbox(
        &self,
        plant: impl FnOnce(&Sandbox<'_>) -> Result<()>,
        cases: impl FnOnce(&Path) -> Result<Vec<Case>>,
        tools: &[Box<dyn Tool>],
    ) -> Result<Vec<Judged>> {
        let folder = tempfile::Builder::new().prefix("affected-bench-").tempdir();
        let mut folder = folder.context("cannot make a temporary directory")?;
        let sandbox = Sandbox::new(folder.path(), self.programs)?;
        plant(&sandbox)?;
        let cases = cases(&sandbox.tree())?;
        let cargo = Cargo::read(&sandbox.tree())?;
        let table = JobTable::read(&cargo.root, &cargo.workspace)?;
        let baseline = Baseline::measure(&sandbox, &table.jobs, true)?;
        for tool in tools {
            tool.prepare(self.programs, &sandbox.tree(), &sandbox.aside()).with_context(|| tool.name())?;
        }
        sandbox.keep()?;
        let stop_at = if self.keep { ours(tools) } else { 0 };
        let bench = Bench::new(&sandbox, &baseline, tools, self.seed, stop_at)?;
        let mut judged = Vec::new();
        for case in &cases {
            match bench.play(case)? {
                Played::On(case) => judged.push(case),
                Played::Kept(case) => {
                    judged.push(case);
                    folder.disable_cleanup(true);
                    terminal::complain(&format!("kept: {}\n", sandbox.tree().display()));
                    break;
                }
            }
        }
        Ok(judged)
    }

    fn drawn(&self, tree: &Path, count: u64, supplied: &[&str]) -> Result<Vec<Case>> {
        let mut nodes = Vec::new();
        for path in Git::open(tree)?.tracked()? {
            nodes.extend(node(tree, &path).map(|node| (path, node)));
        }
        ensure!(!nodes.is_empty(), "there is no file to edit");
        let source = Source { nodes: &nodes, supplied };
        Ok((0..count).map(|number| source.draw(self.seed, number)).collect())
    }
}

/// How many of the first tools are ours.
fn ours(tools: &[Box<dyn Tool>]) -> usize {
    tools.iter().take_while(|tool| tool.sees_the_work_tree()).count()
}

/// A file or link of moderate size; none for anything else.
fn node(tree: &Path, path: &RepoPath) -> Option<Node> {
    let at = tree.join(path.to_path_buf());
    let metadata = at.symlink_metadata().ok()?;
    if metadata.is_symlink() {
        return Some(Node::Link(fs::read_link(&at).ok()?.as_os_str().as_bytes().to_vec()));
    }
    if !metadata.is_file() || metadata.len() > LARGEST_DRAWN {
        return None;
    }
    let executable = metadata.permissions().mode() & 0o111 != 0;
    Some(Node::File { bytes: fs::read(&at).ok()?, executable })
}

/// Listed cases whose names match; at most so many, and then some of each kind.
fn chosen(cases: Vec<Case>, pattern: &str, at_most: Option<usize>, seed: u64) -> Result<Vec<Case>> {
    let glob = Glob::new(pattern).with_context(|| format!("`{pattern}` is no pattern"))?.compile_matcher();
    let mut matching: Vec<Case> = cases.into_iter().filter(|case| glob.is_match(&case.name)).collect();
    let Some(at_most) = at_most.filter(|most| *most < matching.len()) else { return Ok(matching) };
    let order: Vec<String> = matching.iter().map(|case| case.name.clone()).collect();
    fastrand::Rng::with_seed(seed).shuffle(&mut matching);
    // The first of each kind goes before all others.
    let mut kinds = std::collections::BTreeSet::new();
    let (mut first, others): (Vec<Case>, Vec<Case>) =
        matching.into_iter().partition(|case| kinds.insert(case.name.split('/').next().unwrap_or_default().to_owned()));
    let room = at_most.saturating_sub(first.len());
    first.extend(others.into_iter().take(room));
    first.sort_by_key(|case| order.iter().position(|name| *name == case.name));
    Ok(first)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{cases::listed, chosen};

    #[test]
    fn a_sample_has_each_kind_in_it() {
        let kind = |name: &str| name.split('/').next().unwrap().to_owned();
        let kinds = |names: Vec<String>| names.iter().map(|name| kind(name)).collect::<BTreeSet<_>>();
        let names = |cases: Vec<crate::affected_bench::cases::Case>| -> Vec<String> {
            cases.into_iter().map(|case| case.name).collect()
        };
        let all = names(listed(true));
        let sample = names(chosen(listed(true), "*", Some(40), 3).unwrap());
        assert_eq!(sample.len(), 40);
        assert_eq!(kinds(sample.clone()), kinds(all));
        assert_eq!(names(chosen(listed(true), "*", Some(40), 3).unwrap()), sample);
        assert_eq!(names(chosen(listed(true), "lock/older-*", None, 3).unwrap()).len(), 8);
    }
}
