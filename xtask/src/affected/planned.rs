//! A plan with all that it was made from: git, cargo and the job table, read once. For every command that plans.

use std::{
    borrow::Cow,
    collections::BTreeSet,
    path::{Path, PathBuf},
    thread::JoinHandle,
};

use anyhow::{Result, ensure};

use super::{
    cargo::{Answer, Cargo},
    changes::{Base, Changes, Found, SymLink},
    fingerprint::Fingerprint,
    git::{Git, Listing, Question},
    jobs::{JOBS_FILE, JobTable},
    kept::Kept,
    mentions::{index::Index, read as sources, scan::Said},
    path::RepoPath,
    plan::{Plan, Planner, known::Known},
    shape::{
        place::Manifests,
        read::{Keeping, Shapes},
    },
    tree::Tree,
};
use crate::evidence::{
    recall::{Sides, recall, surroundings},
    store::{self, Store},
};

/// What the sources said is kept as one piece, source by source, for as long as it is read the same way.
const SOURCES: &str = "sources";
const SOURCES_FORM: &str = "4";

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The revision to compare with; see [`Question::ask`].
    pub base: Option<String>,
    /// The revision to look at instead of the work tree.
    pub head: Option<String>,
    /// Where records of earlier runs are.
    pub records: Records,
    /// Whether nothing that was worked out before is taken, nor anything kept.
    pub afresh: bool,
}

/// Where records of earlier runs are.
#[derive(Clone, Debug, Default)]
pub enum Records {
    /// Where they are written if nobody says otherwise.
    #[default]
    Usual,
    /// In this folder.
    In(PathBuf),
    /// They are not to be looked at.
    Ignored,
}

/// What a plan is made from.
pub struct Planned {
    /// The work tree.
    pub git: Git,
    /// The workspace in it.
    pub cargo: Cargo,
    /// Its jobs.
    pub table: JobTable,
    /// What changed, seen from the workspace's root.
    pub changes: Changes,
    /// What is wrong with what would have made the plan better.
    pub warnings: Vec<String>,
    manifests: Manifests,
    mentions: Index,
    known: Known,
}

impl Planned {
    /// Reads the workspace around `directory` and what changed there: see [`Question::ask`].
    ///
    /// # Errors
    /// No plan can be made; the message says what to do.
    pub fn read(directory: &Path, asked: &Asked) -> Result<Self> {
        let question = Question::ask(directory, asked.base.as_deref(), asked.head.as_deref())?;
        let git = question.git.clone();
        let kept = if asked.afresh { Kept::nothing() } else { Kept::below(git.dir()) };
        let ahead = Answer::ahead(directory, &kept);
        let reader = kept.clone();
        let known = std::thread::spawn(move || reader.get(SOURCES, SOURCES_FORM).unwrap_or_default());
        let (changes, listing) = question.answer()?;
        // Another revision's files are not those on disk, which cargo looks at.
        let here = Fingerprint::here(directory).filter(|_| asked.head.is_none());
        let work_tree = here.as_ref().and_then(|here| here.of_work_tree(&git, &listing, &changes));
        let keeping = Keeping { kept: &kept, here: here.as_ref(), work_tree: work_tree.as_deref() };
        let fresh: BTreeSet<RepoPath> = listing.unstaged.union(&listing.untracked).cloned().collect();
        let root = root_above(directory);
        // None needs another, and most wait for cargo or git.
        let (answer, shapes, said) = std::thread::scope(|scope| {
            let answer = scope.spawn(|| Answer::get(directory, &kept, work_tree.as_deref(), ahead));
            let (reader, kept, changes, listing, fresh) = (git.clone(), &kept, &changes, &listing, &fresh);
            let said = scope.spawn(move || said(&reader, kept, known, changes, listing, fresh));
            let shapes = Shapes::read(&git, &root, changes, &keeping);
            let answer = answer.join().expect("reading the packages does not panic");
            (answer, shapes, said.join().expect("reading sources does not panic"))
        });
        let (answer, said) = (answer?, said?);
        let told = answer.told();
        let (cargo, head) = std::thread::scope(|scope| {
            let head = scope.spawn(|| shapes.head(&root, told.as_deref()));
            let cargo = answer.read(&kept, work_tree.as_deref());
            (cargo, head.join().expect("reading manifests does not panic"))
        });
        let cargo = cargo?;
        let table = JobTable::read(&cargo.root, &cargo.workspace)?;
        let view = View::new(git.top(), &cargo.root);
        let changes = view.of_changes(changes);
        let manifests = shapes.placed(head, &cargo, &changes, &keeping);
        let mut planned = Self {
            manifests,
            mentions: Index::default(),
            known: Known::default(),
            warnings: Vec::new(),
            git,
            cargo,
            table,
            changes,
        };
        if let Err(error) = planned.recall(asked, &kept, &listing, &fresh, &view) {
            planned.warnings.push(format!("records of earlier runs are not taken: {error:#}"));
        }
        // Whose jobs were all recorded need no more than that.
        if !(0..planned.table.jobs.len()).all(|job| planned.known.observed.contains_key(&job)) {
            let said = said.into_iter().map(|(path, said)| (view.turn(&path), said));
            planned.mentions = Index::new(&planned.cargo.workspace, said);
        }
        Ok(planned)
    }

    /// Takes from records of earlier runs what holds for this change.
    fn recall(
        &mut self,
        asked: &Asked,
        kept: &Kept,
        listing: &Listing,
        fresh: &BTreeSet<RepoPath>,
        view: &View,
    ) -> Result<()> {
        let store = match &asked.records {
            Records::Usual => Store::at(self.cargo.target.join(store::DEFAULT)),
            Records::In(folder) => {
                ensure!(folder.is_dir(), "{} is no folder", folder.display());
                Store::at(folder)
            }
            Records::Ignored => return Ok(()),
        };
        if !store.folder().is_dir() || matches!(self.changes.found, Found::Unknown { .. }) {
            return Ok(());
        }
        let turned = |tree: Tree| tree.turned(|path| view.turn(path));
        let base = match self.changes.bases.as_slice() {
            [base @ Base::Commit(_)] | [base @ Base::Commit(_), Base::Index] => Some(turned(self.git.tree(base)?)),
            _ => None,
        };
        let head = turned(self.git.laid_over(listing.index.clone(), fresh)?);
        let here = surroundings(kept, &self.cargo.root)?;
        let sides = Sides { root: self.cargo.root.clone(), base, head };
        let (known, warnings) = recall(&store, &self.table, sides, &here)?;
        self.known = known;
        self.warnings.extend(warnings);
        Ok(())
    }

    /// Answers for single paths.
    #[must_use]
    pub fn planner(&self) -> Planner<'_> {
        Planner::new(&self.cargo.workspace, &self.table)
            .with(self.manifests.clone())
            .minding(Cow::Borrowed(&self.mentions))
            .knowing(Cow::Borrowed(&self.known))
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> Plan {
        self.planner().plan(&self.changes)
    }
}

/// What the sources say of paths outside their packages, if anything changed at all.
fn said(
    git: &Git,
    kept: &Kept,
    known: JoinHandle<sources::Known>,
    changes: &Changes,
    listing: &Listing,
    fresh: &BTreeSet<RepoPath>,
) -> Result<Vec<(RepoPath, Said)>> {
    if !matches!(&changes.found, Found::Paths { paths, .. } if !paths.is_empty()) {
        return Ok(Vec::new());
    }
    let mut known = known.join().expect("reading what is kept does not panic");
    let (said, changed) = sources::said(git, &listing.index, fresh, &mut known)?;
    if changed {
        kept.put(SOURCES, SOURCES_FORM, &known);
    }
    Ok(said)
}

/// The workspace's root, as the job table shows it: it lies nowhere else.
fn root_above(directory: &Path) -> PathBuf {
    let root = directory.ancestors().find(|folder| folder.join(JOBS_FILE).is_file());
    root.unwrap_or(directory).to_owned()
}

/// Paths as they are seen from the workspace root, which may lie below the work tree's; `../` marks what is outside, and no
/// package or usual rule places that.
#[derive(Clone, Debug)]
pub struct View(RepoPath);

impl View {
    /// The view from `root` in the work tree at `top`.
    #[must_use]
    pub fn new(top: &Path, root: &Path) -> Self {
        let prefix = root.canonicalize().ok().and_then(|root| RepoPath::relative(&top.canonicalize().ok()?, &root));
        Self(prefix.unwrap_or_else(|| RepoPath::new("")))
    }

    /// One path.
    #[must_use]
    pub fn turn(&self, path: &RepoPath) -> RepoPath {
        match path.below(self.0.as_bytes()) {
            Some(inside) => RepoPath::new(inside),
            None => RepoPath::new([b"../", path.as_bytes()].concat()),
        }
    }

    /// A change.
    #[must_use]
    pub fn of_changes(&self, changes: Changes) -> Changes {
        let turn = |link: &SymLink| SymLink { at: self.turn(&link.at), target: self.turn(&link.target) };
        let found = match changes.found {
            Found::Paths { paths, links } => Found::Paths {
                paths: paths.iter().map(|path| self.turn(path)).collect(),
                links: links.iter().map(turn).collect(),
            },
            unknown @ Found::Unknown { .. } => unknown,
        };
        Changes { found, ..changes }
    }
}
