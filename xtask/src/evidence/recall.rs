//! Which records of earlier runs hold for a change: those of which every input is the same at the base tell what its
//! paths can reach, and those of which every input is the same at head, and that passed, make a run needless.

use std::path::{Path, PathBuf};

use anyhow::Result;
use xshell::Shell;

use super::{
    facts::{Surroundings, stamp},
    store::Store,
    untracked,
};
use crate::{
    affected::{
        jobs::JobTable,
        kept::{Kept, Parts},
        path::RepoPath,
        plan::{Proof, known::Known},
        tree::Tree,
    },
    environment::variables,
};

/// What the answer of rustc is kept as.
const TOOLCHAIN: &str = "toolchain";

/// The two sides of a change, seen from the workspace root.
pub struct Sides {
    /// The workspace root: what git does not have is looked for there.
    pub root: PathBuf,
    /// What there was; `None` where there is more than one such tree.
    pub base: Option<Tree>,
    /// What there is now.
    pub head: Tree,
}

/// Looks through a store; with what is known comes a line for each record that was left out.
///
/// # Errors
/// The store or the toolchain cannot be looked at.
pub fn recall(store: &Store, table: &JobTable, sides: Sides, here: &Surroundings) -> Result<(Known, Vec<String>)> {
    let contents = store.read(None)?;
    let on_disk = untracked::below(&sides.root);
    // What the change brings was not there at the base, on whatever disk.
    let before = |path: &RepoPath| if sides.head.has(path) { None } else { on_disk(path) };
    let mut known = Known::default();
    for (index, job) in table.jobs.iter().enumerate() {
        let asked = here.asked(job);
        let records = contents.jobs.get(&job.name).into_iter().flatten().filter(|kept| kept.record.asked == asked);
        for kept in records {
            let record = &kept.record;
            // A run that failed may have ended before it read what it would have read.
            let holds = |tree: &Tree| record.passed && record.differs(tree, &before).is_none();
            if !known.observed.contains_key(&index) && sides.base.as_ref().is_some_and(holds) {
                known.observed.insert(index, record.clone());
            }
            if !(job.proofs && record.passed && record.host == here.host) {
                continue;
            }
            let proof = Proof { record: kept.id.clone(), commit: record.commit.clone(), ended: record.ended };
            if record.differs(&sides.head, &on_disk).is_none() {
                known.proofs.entry(index).or_insert_with(|| (proof, record.clone()));
            } else if record.differs_in_sources_alone(&sides.head, &on_disk) {
                known.near.entry(index).or_insert_with(|| (proof, record.clone()));
            }
        }
    }
    known.base = sides.base.unwrap_or_default();
    known.head = sides.head;
    Ok((known, contents.warnings))
}

/// This machine and its toolchain, where rustc is asked once for as long as it is the same program.
///
/// # Errors
/// There is no rustc.
pub fn surroundings(kept: &Kept, root: &Path) -> Result<Surroundings> {
    let shell = Shell::new()?;
    shell.change_dir(root);
    // Cargo tells its own place to what it runs, and rustc lies beside it. A rustc that is found by PATH may be a choice
    // among several, so that its file tells nothing.
    let variables = variables();
    let beside = variables.get("CARGO").map(|cargo| Path::new(cargo).with_file_name("rustc"));
    let Some(stamp) = beside.and_then(|rustc| stamp(&rustc).ok()) else { return Surroundings::here(&shell) };
    let mut parts = Parts::default();
    parts.add(&stamp);
    for name in ["RUSTC", "RUSTUP_TOOLCHAIN"] {
        parts.add(variables.get(name).map_or("", String::as_str));
    }
    let toolchain = kept.or(TOOLCHAIN, &parts.digest(), || Ok(Surroundings::here(&shell)?.toolchain))?;
    Ok(Surroundings::with(toolchain))
}
