//! Asks git what changed. Plumbing only, NUL-separated, no guessing of renames, and the index is never written.

use std::{
    collections::BTreeSet,
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
    process::Output,
};

use anyhow::{Context, Result, anyhow, bail};
use xshell::{Shell, cmd};

use super::{
    changes::{Base, Changes, Found, SymLink, parse_links, parse_list, parse_raw},
    path::RepoPath,
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

/// A work tree that git knows.
pub struct Git {
    shell: Shell,
    top: PathBuf,
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
        let output = cmd!(shell, "git rev-parse --show-toplevel").quiet().ignore_status().output();
        let output = output.context("git is needed and could not be started")?;
        if !output.status.success() {
            bail!("{} is not in a git work tree: {}", directory.display(), stderr(&output));
        }
        let top = PathBuf::from(OsString::from_vec(trimmed(output.stdout)));
        shell.change_dir(&top);
        Ok(Self { shell, top })
    }

    /// The root of the work tree.
    #[must_use]
    pub fn top(&self) -> &Path {
        &self.top
    }

    /// What differs between the merge-base of `base` and `head`, and `head`: without one, the work tree (staged,
    /// unstaged and untracked files). Paths are relative to the work tree's root.
    ///
    /// # Errors
    /// A revision that does not exist, or git failed in a way that tells nothing about the change.
    pub fn changes(&self, base: Option<&str>, head: Option<&str>) -> Result<Changes> {
        let to = head.map_or("HEAD, with the work tree".to_owned(), str::to_owned);
        match self.find(base, head) {
            Ok((from, found, bases)) => Ok(Changes { compared: format!("{from} to {to}"), found, bases }),
            Err(Stop::Unknown { reason, mend }) => {
                let compared = format!("unknown base to {to}");
                Ok(Changes { compared, found: Found::Unknown { reason, mend }, bases: Vec::new() })
            }
            Err(Stop::Failed(error)) => Err(error),
        }
    }

    /// The base in words, and what differs from it.
    fn find(&self, base: Option<&str>, head: Option<&str>) -> Result<(String, Found, Vec<Base>), Stop> {
        let tip = match head {
            Some(rev) => self.named(rev)?,
            None => self.commit("HEAD")?.ok_or_else(|| unknown("there is no commit yet", "git commit"))?,
        };
        let (name, base) = match base {
            Some(rev) => (rev, self.named(rev)?),
            None => self.default_base()?,
        };
        if let Some(rev) = head
            && !self.has_the_shape_of(&tip)?
        {
            let reason = format!("the manifests and jobs checked out here are not those of {rev}");
            return Err(unknown(&reason, &format!("git switch --detach {rev}")));
        }
        let head_name = head.unwrap_or("HEAD");
        // Crossing merges have several best bases; what differs from any of them counts.
        let merge_bases = self.run_or(&["merge-base", "--all", &base, &tip], 1)?;
        let merge_bases: Vec<String> = String::from_utf8_lossy(&merge_bases).lines().map(str::to_owned).collect();
        let Some(first) = merge_bases.first().map(|id| short(id)) else {
            return self.no_merge_base(name, head_name);
        };
        let mut paths = BTreeSet::new();
        for from in &merge_bases {
            match head {
                Some(_) => paths.extend(self.between(from, &tip)?),
                None => paths.extend(self.in_work_tree(from)?),
            }
        }
        let links = if paths.is_empty() { Vec::new() } else { self.links(head.map(|_| tip.as_str()))? };
        let compared = format!("{first} (merge-base of {name} and {head_name})");
        let mut bases: Vec<Base> = merge_bases.iter().cloned().map(Base::Commit).collect();
        if head.is_none() && self.is_staged_otherwise(&merge_bases)? {
            bases.push(Base::Index);
        }
        Ok((compared, Found::Paths { paths, links }, bases))
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
        // `diff`, since `diff-index` also names files of which only the time of change differs; its output is held to
        // the plumbing form by options, so that no configuration of the user reaches it.
        let unstaged = self.run(&[
            "-c",
            "diff.autoRefreshIndex=true",
            "diff",
            "--raw",
            "-z",
            "--no-renames",
            "--no-relative",
            "--no-ext-diff",
            "--ignore-submodules=none",
            from,
        ])?;
        let mut paths = parse_raw(&unstaged)?;
        // What is staged and was then undone in the work tree is still going to be committed.
        paths.extend(parse_raw(&self.run(&["diff-index", "--cached", "-z", "--raw", "--no-renames", from])?)?);
        paths.extend(parse_list(&self.run(&["ls-files", "-z", "--others", "--exclude-standard", "--full-name"])?));
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

    fn links(&self, tree: Option<&str>) -> Result<Vec<SymLink>> {
        let listing = match tree {
            Some(tree) => self.run(&["ls-tree", "-r", "-z", "--full-tree", tree])?,
            None => self.run(&["ls-files", "-z", "--stage", "--full-name"])?,
        };
        let mut links = Vec::new();
        for (at, id) in parse_links(&listing) {
            let text = match tree {
                Some(_) => self.run(&["cat-file", "blob", &id])?,
                None => match std::fs::read_link(self.top.join(at.to_path_buf())) {
                    Ok(text) => text.as_os_str().as_bytes().to_vec(),
                    Err(_no_longer_a_link) => continue, // then the link itself is among the changed paths
                },
            };
            links.extend(at.follow(&text).map(|target| SymLink { at: at.clone(), target }));
        }
        Ok(links)
    }

    fn default_base(&self) -> Result<(&'static str, String), Stop> {
        for name in DEFAULT_BASES {
            if let Some(id) = self.commit(name)? {
                return Ok((name, id));
            }
        }
        let reason = format!("none of {} exists", DEFAULT_BASES.join(", "));
        Err(unknown(&reason, "git fetch origin main:refs/remotes/origin/main"))
    }

    /// The commit of a revision that somebody named. A full object id that is not here was given by a machine that
    /// knows more history than this clone; a name that is not here was mistyped.
    fn named(&self, rev: &str) -> Result<String, Stop> {
        if let Some(id) = self.commit(rev)? {
            return Ok(id);
        }
        if !matches!(rev.len(), 40 | 64) || !rev.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let error =
                anyhow!("no revision `{rev}` in this repository; `git fetch origin` if it is on the remote side");
            return Err(Stop::Failed(error));
        }
        let mend = if rev.bytes().all(|byte| byte == b'0') {
            "name the branch this one started from: --base origin/main".to_owned()
        } else {
            format!("git fetch origin {rev}")
        };
        Err(unknown(&format!("commit {} is not in this clone", short(rev)), &mend))
    }

    fn commit(&self, rev: &str) -> Result<Option<String>> {
        let object = format!("{rev}^{{commit}}");
        let shell = &self.shell;
        let command = cmd!(shell, "git rev-parse --verify --quiet --end-of-options {object}");
        let output = command.quiet().ignore_status().output()?;
        Ok(output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned()))
    }

    fn no_merge_base<T>(&self, base: &str, tip: &str) -> Result<T, Stop> {
        let shallow = trimmed(self.run(&["rev-parse", "--is-shallow-repository"])?) == b"true";
        Err(if shallow {
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
