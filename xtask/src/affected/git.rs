//! Asks git what changed. Plumbing only, NUL-separated, no guessing of renames, and the index is never written.

use std::{
    collections::BTreeSet,
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
    process::Output,
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use xshell::{Shell, cmd};

use super::{
    changes::{Base, Changes, Found, SymLink, parse_list, parse_raw},
    path::RepoPath,
    tree::Tree,
};

/// Tried in this order when no base is named; the first that exists is taken.
const DEFAULT_BASES: [&str; 4] = ["origin/main", "main", "origin/master", "master"];
/// The files that the package graph and the jobs are read from; they are read in the work tree alone.
const SHAPE: [&str; 6] = [
    ":(glob)**/Cargo.toml",
    ":(glob)**/Cargo.lock",
    ":(glob)**/.cargo/**",
    ":(glob)**/jobs.toml",
    ":(glob)**/job.toml",
    ":(glob)**/rust-toolchain*",
];

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

/// What lies in the work tree, tracked or not, without what is ignored.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// What is staged.
    pub index: Tree,
    /// What is neither tracked nor ignored.
    pub untracked: BTreeSet<RepoPath>,
}

impl Git {
    /// Finds the work tree that holds `directory`.
    ///
    /// # Errors
    /// There is none, or git is missing or refuses; git's own words are kept.
    pub fn open(directory: &Path) -> Result<Self> {
        let shell = Shell::new()?;
        shell.change_dir(directory);
        shell.set_var("LC_ALL", "C");
        shell.set_var("GIT_OPTIONAL_LOCKS", "0");
        let command = cmd!(shell, "git rev-parse --is-shallow-repository --absolute-git-dir --show-toplevel");
        let output = command.quiet().ignore_status().output().context("git is needed and could not be started")?;
        if !output.status.success() {
            bail!("{} is not in a git work tree: {}", directory.display(), stderr(&output));
        }
        let said = trimmed(output.stdout);
        // The work tree last: only a folder's name can hold the end of a line.
        let mut lines = said.splitn(3, |byte| *byte == b'\n');
        let shallow = lines.next() == Some(b"true");
        let mut place = || lines.next().map(|line| PathBuf::from(OsString::from_vec(line.to_vec())));
        let (dir, top) = place().zip(place()).context("git rev-parse said too little")?;
        shell.change_dir(&top);
        Ok(Self { shell, top, dir, shallow })
    }

    /// Where git keeps what belongs to this work tree alone; never tracked.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What lies in the work tree.
    ///
    /// # Errors
    /// Git failed.
    pub fn listing(&self) -> Result<Listing> {
        let others = ["ls-files", "-z", "--others", "--exclude-standard", "--full-name"];
        let (index, untracked) = std::thread::scope(|scope| {
            let git = self.clone();
            let untracked = scope.spawn(move || git.run(&others));
            (self.tree(&Base::Index), untracked.join().expect("listing files does not panic"))
        });
        Ok(Listing { index: index?, untracked: parse_list(&untracked?).into_iter().collect() })
    }

    /// The root of the work tree.
    #[must_use]
    pub fn top(&self) -> &Path {
        &self.top
    }

    /// What differs between the merge-base of `base` and `head`, and `head`: without one, the work tree (staged,
    /// unstaged and untracked files). Paths are relative to the work tree's root. With it comes what lies there: the
    /// index, or the tree of `head`.
    ///
    /// # Errors
    /// A revision that does not exist, or git failed in a way that tells nothing about the change.
    pub fn changes(&self, base: Option<&str>, head: Option<&str>) -> Result<(Changes, Listing)> {
        let to = head.map_or("HEAD, with the work tree".to_owned(), str::to_owned);
        let (listing, ends) = std::thread::scope(|scope| {
            let git = self.clone();
            let listing = scope.spawn(move || if head.is_none() { git.listing() } else { Ok(Listing::default()) });
            let ends = self.ends(base, head);
            (listing.join().expect("listing files does not panic"), ends)
        });
        let mut listing = listing?;
        let (compared, found, bases) = match ends.and_then(|ends| self.between_ends(&ends, &mut listing)) {
            Ok((from, found, bases)) => (format!("{from} to {to}"), found, bases),
            Err(Stop::Unknown { reason, mend }) => {
                (format!("unknown base to {to}"), Found::Unknown { reason, mend }, Vec::new())
            }
            Err(Stop::Failed(error)) => return Err(error),
        };
        Ok((Changes { compared, found, bases }, listing))
    }

    /// The commits that are compared: head's, and the base's merge-bases with it.
    fn ends(&self, base: Option<&str>, head: Option<&str>) -> Result<Ends, Stop> {
        let (tip, name, base) = self.named(base, head)?;
        if let Some(rev) = head
            && !self.has_the_shape_of(&tip)?
        {
            let reason = format!("the manifests and jobs checked out here are not those of {rev}");
            return Err(unknown(&reason, &format!("git switch --detach {rev}")));
        }
        let head_name = head.unwrap_or("HEAD");
        // Crossing merges have several best bases; what differs from any of them counts.
        let merge_bases: Vec<String> = if base == tip {
            vec![base]
        } else {
            let found = self.run_or(&["merge-base", "--all", &base, &tip], 1)?;
            String::from_utf8_lossy(&found).lines().map(str::to_owned).collect()
        };
        let Some(first) = merge_bases.first().map(|id| short(id)) else {
            return self.no_merge_base(&name, head_name);
        };
        let compared = format!("{first} (merge-base of {name} and {head_name})");
        Ok(Ends { compared, merge_bases, tip: head.map(|_| tip) })
    }

    /// The base in words, and what differs from it.
    fn between_ends(&self, ends: &Ends, listing: &mut Listing) -> Result<(String, Found, Vec<Base>), Stop> {
        let Ends { compared, merge_bases, tip } = ends;
        let mut paths = BTreeSet::new();
        for from in merge_bases {
            match tip {
                Some(tip) => paths.extend(self.between(from, tip)?),
                None => paths.extend(self.in_work_tree(from)?),
            }
        }
        paths.extend(listing.untracked.iter().cloned());
        if let Some(tip) = tip {
            listing.index = self.tree(&Base::Commit(tip.clone()))?;
        }
        let links = match tip {
            _ if paths.is_empty() => Vec::new(),
            Some(_) => self.links_of(&listing.index)?,
            None => self.links_on_disk(&listing.index),
        };
        let mut bases: Vec<Base> = merge_bases.iter().cloned().map(Base::Commit).collect();
        if tip.is_none() && paths.iter().any(is_manifest) && self.is_staged_otherwise(merge_bases)? {
            bases.push(Base::Index);
        }
        Ok((compared.clone(), Found::Paths { paths, links }, bases))
    }

    /// Every path that is tracked, relative to the work tree's root.
    ///
    /// # Errors
    /// Git failed.
    pub fn tracked(&self) -> Result<Vec<RepoPath>> {
        Ok(parse_list(&self.run(&["ls-files", "-z", "--full-name"])?))
    }

    fn between(&self, from: &str, to: &str) -> Result<Vec<RepoPath>> {
        parse_raw(&self.run(&["diff-tree", "-r", "-z", "--raw", "--no-renames", from, to])?)
    }

    fn in_work_tree(&self, from: &str) -> Result<Vec<RepoPath>> {
        // What is staged and was then undone in the work tree is still going to be committed.
        let staged = ["diff-index", "--cached", "-z", "--raw", "--no-renames", from];
        let (unstaged, staged) = std::thread::scope(|scope| {
            let git = self.clone();
            let staged = scope.spawn(move || git.run(&staged));
            (self.run(&[&ON_DISK[..], &[from]].concat()), staged.join().expect("asking git does not panic"))
        });
        let mut paths = parse_raw(&unstaged?)?;
        paths.extend(parse_raw(&staged?)?);
        Ok(paths)
    }

    /// Whether packages, dependencies and jobs of the work tree are those of `commit`.
    fn has_the_shape_of(&self, commit: &str) -> Result<bool> {
        let diff =
            ["-c", "diff.autoRefreshIndex=true", "diff", "--raw", "-z", "--no-renames", "--no-relative", commit, "--"];
        let untracked = ["ls-files", "-z", "--others", "--exclude-standard", "--"];
        let differing = self.run(&[&diff[..], &SHAPE].concat())?;
        Ok(differing.is_empty() && self.run(&[&untracked[..], &SHAPE].concat())?.is_empty())
    }

    /// Whether a manifest is staged in a form that neither a base nor the work tree has; it is still going to be
    /// committed.
    fn is_staged_otherwise(&self, bases: &[String]) -> Result<bool> {
        let manifests = ["--", ":(glob)**/Cargo.toml", ":(glob)**/Cargo.lock"];
        let differing = |command: &[&str]| -> Result<BTreeSet<RepoPath>> {
            let more = ["--raw", "-z", "--no-renames"];
            Ok(parse_raw(&self.run(&[command, &more, &manifests].concat())?)?.into_iter().collect())
        };
        let unstaged = differing(&["-c", "diff.autoRefreshIndex=true", "diff", "--no-relative", "--no-ext-diff"])?;
        if unstaged.is_empty() {
            return Ok(false);
        }
        for base in bases {
            let id = [base.as_str()];
            let staged =
                self.run(&[&["diff-index", "--cached", "--raw", "-z", "--no-renames"], &id[..], &manifests].concat())?;
            if parse_raw(&staged)?.iter().any(|path| unstaged.contains(path)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The links of the work tree, as they are on disk.
    fn links_on_disk(&self, index: &Tree) -> Vec<SymLink> {
        let texts = index.links().filter_map(|(at, _)| {
            // No longer a link, and then it is among the changed paths itself.
            let text = std::fs::read_link(self.top.join(at.to_path_buf())).ok()?;
            Some(SymLink { at: at.clone(), target: at.follow(text.as_os_str().as_bytes())? })
        });
        texts.collect()
    }

    fn links_of(&self, tree: &Tree) -> Result<Vec<SymLink>> {
        let ids: Vec<&str> = tree.links().map(|(_, entry)| entry.id.as_str()).collect();
        let mut links = Vec::new();
        for ((at, _), text) in tree.links().zip(self.blobs(&ids)?) {
            let target = at.follow(&text.with_context(|| format!("git does not have the link {at}"))?);
            links.extend(target.map(|target| SymLink { at: at.clone(), target }));
        }
        Ok(links)
    }

    /// The commits of head and base, with the base's name, asked for in one go.
    fn named(&self, base: Option<&str>, head: Option<&str>) -> Result<(String, String, String), Stop> {
        let bases: Vec<&str> = base.map_or(DEFAULT_BASES.to_vec(), |base| vec![base]);
        let names: Vec<&str> = [head.unwrap_or("HEAD")].into_iter().chain(bases.iter().copied()).collect();
        let mut commits = self.commits(&names)?.into_iter();
        let tip = match (commits.next().flatten(), head) {
            (Some(tip), _) => tip,
            (None, Some(rev)) => return Err(not_here(rev)),
            (None, None) => return Err(unknown("there is no commit yet", "git commit")),
        };
        match (bases.iter().zip(commits).find_map(|(name, commit)| Some((*name, commit?))), base) {
            (Some((name, commit)), _) => Ok((tip, name.to_owned(), commit)),
            (None, Some(rev)) => Err(not_here(rev)),
            (None, None) => {
                let reason = format!("none of {} exists", DEFAULT_BASES.join(", "));
                Err(unknown(&reason, "git fetch origin main:refs/remotes/origin/main"))
            }
        }
    }

    /// The commit of each revision; `None` where there is no such thing here.
    fn commits(&self, revisions: &[&str]) -> Result<Vec<Option<String>>> {
        let plain = |rev: &str| !rev.contains(['\n', '\0']);
        let input: String =
            revisions.iter().map(|rev| format!("{}^{{commit}}\n", if plain(rev) { rev } else { "" })).collect();
        let shell = &self.shell;
        let command = cmd!(shell, "git cat-file --batch-check=%(objectname)").stdin(input);
        let output = command.quiet().ignore_status().output()?;
        if !output.status.success() {
            bail!("git cat-file failed: {}", stderr(&output));
        }
        // An id, or `NAME missing`; a name that fits several things prints more than that.
        let is_id = |line: &str| matches!(line.len(), 40 | 64) && line.bytes().all(|byte| byte.is_ascii_hexdigit());
        let said = String::from_utf8_lossy(&output.stdout);
        let told: Vec<_> = said.lines().map(|line| is_id(line).then(|| line.to_owned())).collect();
        ensure!(told.len() == revisions.len(), "git cat-file said something else than was asked: {said}");
        Ok(told)
    }

    fn no_merge_base<T>(&self, base: &str, tip: &str) -> Result<T, Stop> {
        Err(if self.shallow {
            let reason = format!("this clone is shallow and ends before its merge-base with {base}");
            unknown(&reason, "git fetch --unshallow origin")
        } else {
            let reason = format!("{base} and {tip} have no commit in common");
            unknown(&reason, "name a base of the same history: --base REV")
        })
    }

    fn run(&self, args: &[&str]) -> Result<Vec<u8>> {
        self.run_or(args, 0)
    }

    /// Runs git; exit status `also` is an answer too (`merge-base`: 1 means none).
    fn run_or(&self, args: &[&str], also: i32) -> Result<Vec<u8>> {
        let shell = &self.shell;
        let output = cmd!(shell, "git {args...}").quiet().ignore_status().output()?;
        if !output.status.success() && output.status.code() != Some(also) {
            bail!("git {} failed: {}", args.join(" "), stderr(&output));
        }
        Ok(output.stdout)
    }
}

mod objects;
mod skeleton;
pub use skeleton::is_looked_for;
mod trees;

/// What is compared.
struct Ends {
    /// The base, in words.
    compared: String,
    merge_bases: Vec<String>,
    /// The commit of a head that was named; else the work tree is meant.
    tip: Option<String>,
}

/// Why there are no changed paths.
enum Stop {
    /// They cannot be known, and every job is the answer.
    Unknown { reason: String, mend: String },
    /// There is no answer.
    Failed(anyhow::Error),
}

impl From<anyhow::Error> for Stop {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

fn unknown(reason: &str, mend: &str) -> Stop {
    Stop::Unknown { reason: reason.to_owned(), mend: mend.to_owned() }
}

/// The answer to a revision that somebody named and that is not here. A full object id was given by a machine that knows
/// more history than this clone; any other name was mistyped.
fn not_here(rev: &str) -> Stop {
    if !matches!(rev.len(), 40 | 64) || !rev.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let error = anyhow!("no revision `{rev}` in this repository; `git fetch origin` if it is on the remote side");
        return Stop::Failed(error);
    }
    let mend = if rev.bytes().all(|byte| byte == b'0') {
        "name the branch this one started from: --base origin/main".to_owned()
    } else {
        format!("git fetch origin {rev}")
    };
    unknown(&format!("commit {} is not in this clone", short(rev)), &mend)
}

/// Whether cargo may read it as a manifest or a lock file.
#[must_use]
pub fn is_manifest(path: &RepoPath) -> bool {
    matches!(path.as_bytes().rsplit(|byte| *byte == b'/').next(), Some(b"Cargo.toml" | b"Cargo.lock"))
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
