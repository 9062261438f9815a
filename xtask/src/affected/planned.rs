//! A plan with all that it was made from: git, cargo and the job table, read once. For every command that plans.

use std::path::Path;

use anyhow::Result;

use super::{
    cargo::Cargo,
    changes::{Changes, Found, SymLink},
    git::Git,
    jobs::JobTable,
    path::RepoPath,
    plan::{Plan, Planner},
    shape::{place::Manifests, read::manifests},
};

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
    manifests: Manifests,
}

impl Planned {
    /// Reads the workspace around `directory` and what changed there: see [`Git::changes`].
    ///
    /// # Errors
    /// No plan can be made; the message says what to do.
    pub fn read(directory: &Path, base: Option<&str>, head: Option<&str>) -> Result<Self> {
        let git = Git::open(directory)?;
        // Neither needs the other, and each waits for programs.
        let (cargo, changes) = std::thread::scope(|scope| {
            let cargo = scope.spawn(|| Cargo::read(directory));
            let changes = git.listing().and_then(|listing| git.changes(base, head, &listing));
            (cargo.join().expect("reading the packages does not panic"), changes)
        });
        let (cargo, changes) = (cargo?, changes?);
        let table = JobTable::read(&cargo.root, &cargo.workspace)?;
        let changes = seen_from_workspace(changes, git.top(), &cargo.root);
        let manifests = manifests(&git, &cargo, &changes);
        Ok(Self { git, cargo, table, changes, manifests })
    }

    /// Answers for single paths.
    #[must_use]
    pub fn planner(&self) -> Planner<'_> {
        Planner::new(&self.cargo.workspace, &self.table).with(self.manifests.clone())
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> Plan {
        self.planner().plan(&self.changes)
    }
}

/// Makes paths relative to the workspace root: see [`turning`].
#[must_use]
pub fn seen_from_workspace(changes: Changes, top: &Path, root: &Path) -> Changes {
    let turn = turning(top, root);
    let found = match changes.found {
        Found::Paths { paths, links } => Found::Paths {
            paths: paths.iter().map(&turn).collect(),
            links: links.iter().map(|link| SymLink { at: turn(&link.at), target: turn(&link.target) }).collect(),
        },
        unknown @ Found::Unknown { .. } => unknown,
    };
    Changes { found, ..changes }
}

/// Makes a path of git relative to the workspace root, which may lie below the work tree's; `../` marks what is outside,
/// and no package or usual rule places that.
pub fn turning(top: &Path, root: &Path) -> impl Fn(&RepoPath) -> RepoPath + use<> {
    let prefix = root.canonicalize().ok().and_then(|root| RepoPath::relative(&top.canonicalize().ok()?, &root));
    let prefix = prefix.unwrap_or_else(|| RepoPath::new(""));
    move |path| match path.below(prefix.as_bytes()) {
        Some(inside) => RepoPath::new(inside),
        None => RepoPath::new([b"../", path.as_bytes()].concat()),
    }
}
