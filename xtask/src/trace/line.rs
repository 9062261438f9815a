//! One line of `strace -f -o`: who, and what kind of line it is.

use anyhow::{Context, Result, bail};

/// The number of a process or thread.
pub(super) type Tid = u32;

/// What a line says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'l> {
    /// A call and its result, `open("a", O_RDONLY) = 3`.
    Whole(&'l [u8]),
    /// The beginning of a call: its result comes on a later line of the same thread.
    Begun(&'l [u8]),
    /// The rest of a call.
    Resumed(&'l [u8]),
    /// A thread that executes a program takes the number of its process.
    BecomesProcess {
        /// The beginning of its `execve`.
        begun: &'l [u8],
        /// The number that the rest will carry.
        process: Tid,
    },
    /// It makes way for this thread, which executes a program and takes its number.
    Superseded(Tid),
    /// It ended.
    Ended,
    /// A signal.
    Nothing,
}

/// Takes a line, without its end, apart.
pub(super) fn parse(line: &[u8]) -> Result<(Tid, Line<'_>)> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, rest) = line.split_at(digits);
    let tid = std::str::from_utf8(number)?.parse().context("it does not begin with a process")?;
    Ok((tid, kind(rest.trim_ascii())?))
}

fn kind(rest: &[u8]) -> Result<Line<'_>> {
    if let Some(note) = rest.strip_prefix(b"+++ ") {
        if let Some(by) = note.strip_prefix(b"superseded by execve in pid ") {
            let digits = by.iter().take_while(|byte| byte.is_ascii_digit()).count();
            return Ok(Line::Superseded(std::str::from_utf8(&by[..digits])?.parse()?));
        }
        let ended = note.starts_with(b"exited") || note.starts_with(b"killed");
        return Ok(if ended { Line::Ended } else { Line::Nothing });
    }
    if rest.starts_with(b"--- ") {
        return Ok(Line::Nothing);
    }
    if let Some(resumed) = rest.strip_prefix(b"<... ") {
        let marker = b" resumed>";
        let at = resumed.windows(marker.len()).position(|window| window == marker).context("no call is resumed")?;
        return Ok(Line::Resumed(&resumed[at + marker.len()..]));
    }
    if let Some(begun) = rest.strip_suffix(b" <unfinished ...>") {
        return Ok(Line::Begun(begun));
    }
    // Killed under strace's hands, sometimes before it did anything: `???( <detached ...>`. Another line may not come.
    if rest.ends_with(b" <detached ...>") {
        return Ok(Line::Ended);
    }
    if let Some(before) = rest.strip_suffix(b" ...>") {
        let marker = b" <pid changed to ";
        let at = before.windows(marker.len()).rposition(|window| window == marker).context("an unknown note")?;
        let process = std::str::from_utf8(&before[at + marker.len()..])?.parse()?;
        return Ok(Line::BecomesProcess { begun: &before[..at], process });
    }
    if !rest.contains(&b'(') {
        bail!("it is no call");
    }
    Ok(Line::Whole(rest))
}

#[cfg(test)]
mod tests {
    use super::{Line, parse};

    fn check(line: &str, expected: Line<'_>) {
        assert_eq!(parse(line.as_bytes()).unwrap(), (17, expected), "{line}");
    }

    #[test]
    fn each_kind_is_told_apart() {
        check("17 access(\"a\", R_OK) = 0", Line::Whole(b"access(\"a\", R_OK) = 0"));
        check("17    access(\"a\", R_OK) = 0", Line::Whole(b"access(\"a\", R_OK) = 0"));
        check("17 vfork( <unfinished ...>", Line::Begun(b"vfork("));
        check("17 <... vfork resumed>) = 18", Line::Resumed(b") = 18"));
        check("17 +++ exited with 0 +++", Line::Ended);
        check("17 +++ killed by SIGKILL (core dumped) +++", Line::Ended);
        check("17 ???( <detached ...>", Line::Ended);
        check("17 openat(AT_FDCWD</>, \"a\", O_RDONLY <detached ...>", Line::Ended);
        check("17 +++ superseded by execve in pid 18 +++", Line::Superseded(18));
        check("17 --- SIGCHLD {si_signo=SIGCHLD} ---", Line::Nothing);
        let becomes = Line::BecomesProcess { begun: b"execve(\"/bin/true\", [...], 0x7f /* 3 vars */", process: 12 };
        check("17 execve(\"/bin/true\", [...], 0x7f /* 3 vars */ <pid changed to 12 ...>", becomes);
    }

    #[test]
    fn a_name_that_looks_like_a_note_is_a_name() {
        let line = "17 access(\"a <unfinished ...>\", R_OK) = 0";
        check(line, Line::Whole(&line.as_bytes()[3..]));
    }

    #[test]
    fn what_is_no_line_of_a_trace_is_refused() {
        assert!(parse(b"strace: Process 17 attached").is_err());
        assert!(parse(b"17 hello").is_err());
        assert!(parse(b"").is_err());
    }
}
