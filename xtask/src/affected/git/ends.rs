//! The commits between which a change lies, or why they cannot be known.

use anyhow::{Result, anyhow, bail, ensure};
use xshell::cmd;

use super::{Git, short, stderr};

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

/// What is compared.
pub(super) struct Ends {
    /// The base, in words.
    pub(super) compared: String,
    /// Crossing merges have several; what differs from any of them counts.
    pub(super) merge_bases: Vec<String>,
    /// The commit of a head that was named; else the work tree is meant.
    pub(super) tip: Option<String>,
}

/// Why there are no changed paths.
pub(super) enum Stop {
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

impl Git {
    /// The commits that are compared: head's, and the base's merge-bases with it.
    pub(super) fn ends(&self, base: Option<&str>, head: Option<&str>) -> Result<Ends, Stop> {
        let (tip, name, base) = self.named(base, head)?;
        if let Some(rev) = head
            && !self.has_the_shape_of(&tip)?
        {
            let reason = format!("the manifests and jobs checked out here are not those of {rev}");
            return Err(unknown(&reason, &format!("git switch --detach {rev}")));
        }
        let head_name = head.unwrap_or("HEAD");
        let merge_bases: Vec<String> = if base == tip {
            vec![base]
        } else {
            let found = self.run_or(&["merge-base", "--all", &base, &tip], 1)?;
            String::from_utf8_lossy(&found).lines().map(str::to_owned).collect()
        };
        match Ends::new(merge_bases, &name, head_name) {
            Some(ends) => Ok(Ends { tip: head.map(|_| tip), ..ends }),
            None => self.no_merge_base(&name, head_name),
        }
    }

    /// Whether packages, dependencies and jobs of the work tree are those of `commit`.
    fn has_the_shape_of(&self, commit: &str) -> Result<bool> {
        let diff =
            ["-c", "diff.autoRefreshIndex=true", "diff", "--raw", "-z", "--no-renames", "--no-relative", commit, "--"];
        let untracked = ["ls-files", "-z", "--others", "--exclude-standard", "--"];
        let differing = self.run(&[&diff[..], &SHAPE].concat())?;
        Ok(differing.is_empty() && self.run(&[&untracked[..], &SHAPE].concat())?.is_empty())
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
        // A name that is not here, or that fits several things, prints more than an id.
        let said = String::from_utf8_lossy(&output.stdout);
        let told: Vec<_> = said.lines().map(|line| is_id(line.as_bytes()).then(|| line.to_owned())).collect();
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
}

impl Ends {
    /// Between these merge-bases and the work tree; `None` where there is none.
    pub(super) fn new(merge_bases: Vec<String>, base: &str, head: &str) -> Option<Self> {
        let first = short(merge_bases.first()?);
        Some(Self { compared: format!("{first} (merge-base of {base} and {head})"), merge_bases, tip: None })
    }
}

/// Whether a base can be written before `...`: a plain name, and nothing that git would take for something else.
pub(super) fn is_plain(base: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/_-.~^@{}+#".contains(&byte);
    !base.is_empty() && base.bytes().all(plain) && !base.starts_with(['-', '.', '^']) && !base.contains("..")
}

/// Whether it is an object id, in hexadecimal digits.
pub(super) fn is_id(text: &[u8]) -> bool {
    matches!(text.len(), 40 | 64) && text.iter().all(u8::is_ascii_hexdigit)
}

fn unknown(reason: &str, mend: &str) -> Stop {
    Stop::Unknown { reason: reason.to_owned(), mend: mend.to_owned() }
}

/// The answer to a revision that somebody named and that is not here. A full object id was given by a machine that knows
/// more history than this clone; any other name was mistyped.
fn not_here(rev: &str) -> Stop {
    if !is_id(rev.as_bytes()) {
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

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn only_plain_names_stand_before_dots() {
        for base in ["main", "origin/main", "HEAD~3", "v1.0^{commit}", "@{u}", "feature/a_b-c+d#1"] {
            assert!(is_plain(base), "{base}");
        }
        for base in ["", "-x", "--all", "a..b", "^main", ":/text", "HEAD:x", "a b", "a\nb", "*", "ä", "../x"] {
            assert!(!is_plain(base), "{base}");
        }
    }
}
