//! Where the programs are, and who runs them.

use std::{
    ffi::OsString,
    fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::process::geteuid;

use crate::{
    error::{Error, Result},
    program::Program,
};

/// The package of Debian that has all of it.
pub const PACKAGE: &str = "postgresql";
const REMEDY: &str = "`cargo xtask lab install postgres`, or as root `apt-get install postgresql`";
/// Debian's: a folder for each major version.
const VERSIONS: &str = "/usr/lib/postgresql";
/// Others'.
const ELSEWHERE: [&str; 3] = ["/usr/bin", "/usr/local/bin", "/usr/local/pgsql/bin"];
const PROGRAMS: [&str; 3] = ["initdb", "postgres", "psql"];
/// Whom the package makes to run servers: PostgreSQL refuses to run as root.
const USER: &str = "postgres";
const LIMIT: Duration = Duration::from_secs(10);

/// The programs of PostgreSQL on this machine, and the user that runs its servers.
#[derive(Clone, Debug)]
pub struct Install {
    programs: PathBuf,
    user: Option<User>,
}

/// Whose the server's files are when this process is root.
#[derive(Clone, Copy, Debug)]
struct User {
    uid: u32,
    gid: u32,
}

impl Install {
    /// Finds the newest.
    ///
    /// # Errors
    /// [`Error::NotInstalled`], with what to do.
    pub fn find() -> Result<Self> {
        let programs = Self::programs().ok_or_else(|| Error::NotInstalled {
            what: "PostgreSQL",
            looked: format!("no initdb in {VERSIONS}/*/bin, {}", ELSEWHERE.join(", ")),
            remedy: REMEDY,
        })?;
        let user = if geteuid().is_root() { Some(User::of_package()?) } else { None };
        Ok(Self { programs, user })
    }

    /// Whether it is here.
    #[must_use]
    pub fn is_here() -> bool {
        Self::programs().is_some()
    }

    fn programs() -> Option<PathBuf> {
        let versions = fs::read_dir(VERSIONS).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.file_name()));
        let mut numbers: Vec<u32> = versions.filter_map(|name| name.to_str()?.parse().ok()).collect();
        numbers.sort_unstable_by(|a, b| b.cmp(a));
        let debian = numbers.iter().map(|number| PathBuf::from(format!("{VERSIONS}/{number}/bin")));
        let complete = |folder: &PathBuf| PROGRAMS.iter().all(|program| folder.join(program).is_file());
        debian.chain(ELSEWHERE.map(PathBuf::from)).find(complete)
    }

    /// The folder of the programs.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.programs
    }

    /// One of its programs, run as the user that servers run as, to die with who starts it.
    pub(super) fn program(&self, name: &str) -> Program {
        let mut words: Vec<OsString> = Vec::new();
        if let Some(User { uid, gid }) = self.user {
            words.extend(
                [format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".to_owned()].map(Into::into),
            );
        }
        // PostgreSQL takes it for a shut-down at once, which leaves no shared memory.
        words.extend(["--pdeathsig=QUIT".into(), "--".into(), self.programs.join(name).into()]);
        Program::new("/usr/bin/setpriv").arguments(words)
    }

    /// Gives `path` to the user that servers run as.
    pub(super) fn hand_over(&self, path: &Path) -> Result<()> {
        let Some(User { uid, gid }) = self.user else { return Ok(()) };
        chown(path, Some(uid), Some(gid)).map_err(Error::io(format!("cannot give {} away", path.display())))
    }

    /// Whether that user gets to `path`, which is its own.
    pub(super) fn enters(&self, path: &Path) -> Result<()> {
        let Some(User { uid, gid }) = self.user else { return Ok(()) };
        let words = [format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".to_owned()];
        let test = Program::new("/usr/bin/setpriv").arguments(words).arguments(["--", "/usr/bin/test", "-x"]);
        match test.arguments([path]).run(LIMIT) {
            Err(Error::Failed { .. }) => Err(Error::Closed { user: USER.to_owned(), path: path.to_owned() }),
            other => other.map(|_| ()),
        }
    }
}

impl User {
    fn of_package() -> Result<Self> {
        let number = |flag: &str| {
            let text = Program::new("/usr/bin/id").arguments([flag, USER]).run(LIMIT)?;
            text.trim().parse().map_err(|_| Error::State("to run as the user postgres, whose number is none"))
        };
        Ok(Self { uid: number("-u")?, gid: number("-g")? })
    }
}
