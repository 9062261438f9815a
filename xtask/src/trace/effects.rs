//! Which paths a call touches, and how.

use std::path::{Path, PathBuf};

use super::{
    How,
    call::{Argument, Call, Outcome},
};

/// Every path that the call touches; what it only asks about is [`How::Found`]. Relative ones are taken from `here`. Calls
/// that tell nothing touch nothing.
pub(super) fn of(call: &Call, here: &Path) -> Vec<(PathBuf, How)> {
    let Some(outcome) = Told::from(&call.outcome) else { return Vec::new() };
    let named = paths(call, here);
    let first = || named.first().cloned();
    match call.name.as_str() {
        "open" | "openat" | "openat2" | "creat" => opened(call, first(), outcome),
        "getcwd" => Vec::new(),
        "getdents" | "getdents64" => call.open(0).map(|path| (path.clone(), How::Listed)).into_iter().collect(),
        "rename" | "renameat" | "renameat2" => {
            let mut touched = two(&named, outcome, How::Written);
            // What has another name now was there before, and its contents still count.
            touched.extend(first().map(|from| (from, outcome.or(How::Read))));
            touched
        }
        "link" | "linkat" => two(&named, outcome, How::Read),
        // The first text of the latter is what the link says, which is no touch.
        "symlink" | "symlinkat" => named.into_iter().skip(1).map(|path| (path, outcome.or(How::Written))).collect(),
        name if changes(name) => named.into_iter().map(|path| (path, outcome.or(How::Written))).collect(),
        "execve" | "execveat" | "readlink" | "readlinkat" => {
            named.into_iter().map(|path| (path, outcome.or(How::Read))).collect()
        }
        _ => named.into_iter().map(|path| (path, outcome.or(How::Found))).collect(),
    }
}

/// Calls whose path is made, changed or removed.
fn changes(name: &str) -> bool {
    const CHANGES: [&str; 24] = [
        "unlink",
        "unlinkat",
        "rmdir",
        "mkdir",
        "mkdirat",
        "mknod",
        "mknodat",
        "truncate",
        "chmod",
        "fchmodat",
        "fchmodat2",
        "chown",
        "lchown",
        "fchownat",
        "utime",
        "utimes",
        "utimensat",
        "futimesat",
        "setxattr",
        "lsetxattr",
        "removexattr",
        "lremovexattr",
        "truncate64",
        "chown32",
    ];
    CHANGES.contains(&name)
}

/// What the outcome of a call tells of the paths it names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    Done,
    NotThere,
    /// Any other error: the path was found to be there, or in the way.
    Refused,
}

impl Told {
    fn from(outcome: &Outcome) -> Option<Self> {
        match outcome {
            Outcome::Done(..) => Some(Self::Done),
            Outcome::Failed(name) if matches!(name.as_str(), "ENOENT" | "ENOTDIR") => Some(Self::NotThere),
            // The name was never looked at.
            Outcome::Failed(name) if matches!(name.as_str(), "EFAULT" | "ENOSYS" | "ENAMETOOLONG") => None,
            Outcome::Failed(_) => Some(Self::Refused),
            Outcome::Unknown => None,
        }
    }

    /// `how`, if the call did it.
    fn or(self, how: How) -> How {
        match self {
            Self::Done => how,
            Self::NotThere => How::Absent,
            Self::Refused => How::Read,
        }
    }
}

fn opened(call: &Call, path: Option<PathBuf>, told: Told) -> Vec<(PathBuf, How)> {
    // The path as named, and the one that the links in it led to.
    let real = match &call.outcome {
        Outcome::Done(_, real) => real.clone(),
        _ => None,
    };
    let names: Vec<PathBuf> = path.into_iter().chain(real).collect();
    let each = |how: How| names.iter().cloned().map(move |name| (name, told.or(how))).collect::<Vec<_>>();
    let truncates = call.has("O_TRUNC") || call.name == "creat";
    if call.has("O_TMPFILE") || !(truncates || call.has("O_WRONLY") || call.has("O_RDWR") || call.has("O_CREAT")) {
        return each(How::Read);
    }
    let mut touched = each(How::Written);
    if !call.has("O_WRONLY") && !truncates {
        touched.extend(each(How::Read));
    }
    touched
}

/// The old name and the new one of a call that has both; which of them is not there is not told.
fn two(named: &[PathBuf], told: Told, how: How) -> Vec<(PathBuf, How)> {
    let (Some(from), Some(to)) = (named.first(), named.get(1)) else { return Vec::new() };
    vec![(from.clone(), told.or(how)), (to.clone(), if told == Told::Done { How::Written } else { told.or(how) })]
}

/// The texts of a call as absolute paths. Where the argument before a text is an open folder, it is taken from there.
fn paths(call: &Call, here: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for (index, argument) in call.arguments.iter().enumerate() {
        let Argument::Text(text) = argument else { continue };
        let folder = index.checked_sub(1).and_then(|before| call.arguments.get(before));
        let from = match folder {
            Some(Argument::Open(Some(path)) | Argument::Here(path)) => path,
            // A pipe or socket: only its own state was asked for.
            Some(Argument::Open(None)) if text.as_os_str().is_empty() => continue,
            _ => here,
        };
        if text.as_os_str().is_empty() && !call.has("AT_EMPTY_PATH") {
            continue; // always refused
        }
        found.push(if text.as_os_str().is_empty() { from.to_owned() } else { from.join(text) });
        if found.len() == names_of(&call.name) {
            break;
        }
    }
    found
}

/// How many of a call's texts are paths; what follows are arguments of programs, attributes, kinds of file systems.
fn names_of(call: &str) -> usize {
    match call {
        "rename" | "renameat" | "renameat2" | "link" | "linkat" | "symlink" | "symlinkat" | "mount" | "pivot_root" => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{How, of};
    use crate::trace::call::Call;

    fn check(line: &str, expected: &[(&str, How)]) {
        let touched = of(&Call::parse(line.as_bytes()).unwrap(), Path::new("/w"));
        let touched: Vec<_> = touched.iter().map(|(path, how)| (path.to_str().unwrap(), *how)).collect();
        assert_eq!(touched, expected, "{line}");
    }

    #[test]
    fn opening_reads_or_writes_by_its_flags() {
        let (read, written) = (How::Read, How::Written);
        check("openat(AT_FDCWD</t>, \"a\", O_RDONLY) = 3</t/b>", &[("/t/a", read), ("/t/b", read)]);
        check(
            "openat(AT_FDCWD</t>, \"a\", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 3</t/a>",
            &[("/t/a", written), ("/t/a", written)],
        );
        check("openat(5</t/d>, \"a\", O_RDWR) = 3", &[("/t/d/a", written), ("/t/d/a", read)]);
        check("openat2(5</t/d>, \"a\", {flags=O_RDWR|O_CREAT|O_TRUNC, mode=0}, 24) = 3", &[("/t/d/a", written)]);
        check(
            "openat(5</t/d>, \".\", O_WRONLY|O_TMPFILE, 0600) = 3</t/d/#12>",
            &[("/t/d/.", read), ("/t/d/#12", read)],
        );
        check("open(\"a\", O_RDONLY) = -1 ENOENT (No such file or directory)", &[("/w/a", How::Absent)]);
        check("open(\"a/b\", O_RDONLY) = -1 ENOTDIR (Not a directory)", &[("/w/a/b", How::Absent)]);
        check("open(\"a\", O_WRONLY|O_CREAT|O_EXCL, 0600) = -1 EEXIST (File exists)", &[("/w/a", read)]);
    }

    #[test]
    fn asking_finds_or_reads() {
        check("newfstatat(AT_FDCWD</t>, \"a\", {st_mode=S_IFREG|0644}, 0) = 0", &[("/t/a", How::Found)]);
        check("newfstatat(3</t/b>, \"\", {st_mode=S_IFREG|0644}, AT_EMPTY_PATH) = 0", &[("/t/b", How::Found)]);
        check("newfstatat(0<pipe:[1]>, \"\", {st_mode=S_IFIFO}, AT_EMPTY_PATH) = 0", &[]);
        check(
            "statx(3</t>, \"a\", AT_STATX_SYNC_AS_STAT, STATX_ALL, {stx_mask=STATX_ALL}) = 0",
            &[("/t/a", How::Found)],
        );
        check("access(\"/a\", R_OK) = -1 EACCES (Permission denied)", &[("/a", How::Read)]);
        check("faccessat2(AT_FDCWD</t>, \"a\", R_OK, AT_EACCESS) = 0", &[("/t/a", How::Found)]);
        check("readlink(\"l\", \"a.txt\", 64) = 5", &[("/w/l", How::Read)]);
        check("readlinkat(3</t>, \"l\", \"\"..., 64) = 5", &[("/t/l", How::Read)]);
        check("execve(\"./x\", [\"x\", \"y\"], 0x7ffe /* 3 vars */) = 0", &[("/w/./x", How::Read)]);
        check("getdents64(3</t>, 0x55aa /* 2 entries */, 32768) = 48", &[("/t", How::Listed)]);
        check("lgetxattr(\"a\", \"security.x\", 0x7f, 3) = -1 ENODATA (No data available)", &[("/w/a", How::Read)]);
        check("stat(\"a\", 0x7f) = ? ERESTARTSYS (To be restarted)", &[]);
    }

    #[test]
    fn both_names_of_a_change_are_touched() {
        let (read, written) = (How::Read, How::Written);
        check("rename(\"a\", \"b\") = 0", &[("/w/a", written), ("/w/b", written), ("/w/a", read)]);
        check("renameat2(3</t>, \"a\", 4</u>, \"b\", 0) = 0", &[("/t/a", written), ("/u/b", written), ("/t/a", read)]);
        check("linkat(3</t>, \"a\", 4</u>, \"b\", 0) = 0", &[("/t/a", read), ("/u/b", written)]);
        check("symlinkat(\"text\", 4</u>, \"b\") = 0", &[("/u/b", written)]);
        check("unlinkat(4</u>, \"b\", 0) = 0", &[("/u/b", written)]);
        check("mkdir(\"d\", 0777) = -1 EEXIST (File exists)", &[("/w/d", read)]);
        check("unlink(\"d\") = -1 ENOENT (No such file or directory)", &[("/w/d", How::Absent)]);
    }
}
