//! Asks git what changed. Plumbing only, NUL-separated, no guessing of renames, and the index is never written.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
    process::Output,
};

use anyhow::{Context, Result, bail};
use xshell::{Shell, cmd};

use self::ends::{is_id, is_plain};
use super::{changes::parse_list, path::RepoPath};

mod between;
mod ends;
mod listing;
mod objects;
mod skeleton;
mod trees;

pub use self::{between::Question, listing::Listing, skeleton::is_looked_for};

/// What differs on disk, from what is staged or from a commit that follows. `diff`, since `diff-index` also names files of
/// which only the time of change differs; its output is held to the plumbing form by options, so that no configuration of
/// the user reaches it.
const ON_DISK: [&str; 9] = [
    "-c",
    "diff.autoRefreshIndex=true",
    "diff",
    "--raw",
    "-z",
    "--no-renames",
    "--no-relative",
    "--no-ext-diff",
    "--ignore-submodules=none",
];

/// A work tree that git knows.
#[derive(Clone)]
pub struct Git {
    shell: Shell,
    top: PathBuf,
    dir: PathBuf,
    shallow: bool,
}

impl Git {
    /// Finds the work tree that holds `directory`.
    ///
    /// # Errors
    /// There is none, or git is missing or refuses; git's own words are kept.
    pub fn open(directory: &Path) -> Result<Self> {
        Ok(Self::open_with(directory, None)?.0)
    }

    /// The same, with the merge-bases of `base` and HEAD where git tells them in the same breath; where it does not, there
    /// are none here, and it has to be asked why.
    fn open_with(directory: &Path, base: Option<&str>) -> Result<(Self, Vec<String>)> {
        let shell = shell_in(directory)?;
        // The work tree last: only a folder's name can hold the end of a line.
        let places = ["--is-shallow-repository", "--absolute-git-dir", "--show-toplevel"];
        let range = Vec::from_iter(base.filter(|base| is_plain(base)).map(|base| format!("{base}...HEAD")));
        let mut output = cmd!(shell, "git rev-parse").args(&range).args(places).quiet().ignore_status().output();
        if !range.is_empty() && output.as_ref().is_ok_and(|output| !output.status.success()) {
            output = cmd!(shell, "git rev-parse {places...}").quiet().ignore_status().output();
        }
        let output = output.context("git is needed and could not be started")?;
        if !output.status.success() {
            bail!("{} is not in a git work tree: {}", directory.display(), stderr(&output));
        }
        let mut said = trimmed(output.stdout);
        let mut merge_bases = Vec::new();
        // Both ends, and each merge-base behind a `^`.
        while let Some(end) = said.iter().position(|byte| *byte == b'\n')
            && is_id(said[..end].strip_prefix(b"^").unwrap_or(&said[..end]))
        {
            let line: Vec<u8> = said.drain(..=end).collect();
            merge_bases.extend(line.strip_prefix(b"^").map(|id| String::from_utf8_lossy(id.trim_ascii()).into_owned()));
        }
        let mut lines = said.splitn(3, |byte| *byte == b'\n');
        let shallow = lines.next() == Some(b"true");
        let mut place = || lines.next().map(|line| PathBuf::from(OsString::from_vec(line.to_vec())));
        let (dir, top) = place().zip(place()).context("git rev-parse said too little")?;
        shell.change_dir(&top);
        Ok((Self { shell, top, dir, shallow }, merge_bases))
    }

    /// Where git keeps what belongs to this work tree alone; never tracked.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The root of the work tree.
    #[must_use]
    pub fn top(&self) -> &Path {
        &self.top
    }

    /// Every path that is tracked, relative to the work tree's root.
    ///
    /// # Errors
    /// Git failed.
    pub fn tracked(&self) -> Result<Vec<RepoPath>> {
        Ok(parse_list(&self.run(&["ls-files", "-z", "--full-name"])?))
    }

    fn run(&self, args: &[&str]) -> Result<Vec<u8>> {
        run(&self.shell, args, 0)
    }

    fn run_or(&self, args: &[&str], also: i32) -> Result<Vec<u8>> {
        run(&self.shell, args, also)
    }
}

/// Whether cargo may read it as a manifest or a lock file.
#[must_use]
pub fn is_manifest(path: &RepoPath) -> bool {
    matches!(path.as_bytes().rsplit(|byte| *byte == b'/').next(), Some(b"Cargo.toml" | b"Cargo.lock"))
}

/// Where git runs: its own language, and no lock taken for what only saves it time.
fn shell_in(directory: &Path) -> Result<Shell> {
    let shell = Shell::new()?;
    shell.change_dir(directory);
    shell.set_var("LC_ALL", "C");
    shell.set_var("GIT_OPTIONAL_LOCKS", "0");
    Ok(shell)
}

/// Runs git; exit status `also` is an answer too (`merge-base`: 1 means none).
fn run(shell: &Shell, args: &[&str], also: i32) -> Result<Vec<u8>> {
    let output = cmd!(shell, "git {args...}").quiet().ignore_status().output()?;
    if !output.status.success() && output.status.code() != Some(also) {
        bail!("git {} failed: {}", args.join(" "), stderr(&output));
    }
    Ok(output.stdout)
}

fn short(id: &str) -> &str {
    id.get(..10).unwrap_or(id)
}

fn trimmed(mut bytes: Vec<u8>) -> Vec<u8> {
    while bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    bytes
}

fn stderr(output: &Output) -> String {
    OsStr::from_bytes(output.stderr.trim_ascii()).to_string_lossy().into_owned()
}
