//! One call with its arguments and result, as `strace -y` prints it, taken apart.

use std::{ffi::OsString, os::unix::ffi::OsStringExt, path::PathBuf};

use anyhow::{Context, Result, bail};

/// A call that has returned.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) name: String,
    pub(super) arguments: Vec<Argument>,
    pub(super) outcome: Outcome,
}

/// An argument, as far as it tells of files.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Argument {
    /// A text: mostly a path.
    Text(PathBuf),
    /// An open file or folder (`3</tmp/x>`) and its path, if it has one.
    Open(Option<PathBuf>),
    /// The folder that the process is in (`AT_FDCWD</tmp>`), as the kernel names it.
    Here(PathBuf),
    /// Flags, numbers, addresses, structures: as printed.
    Other(Vec<u8>),
}

/// What came of a call.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It gave this number, and with it an open file whose path is known.
    Done(i64, Option<PathBuf>),
    /// The name of the error.
    Failed(String),
    /// It did not return, or will be made again.
    Unknown,
}

impl Call {
    /// Reads `name(arguments) = outcome`.
    pub(super) fn parse(text: &[u8]) -> Result<Self> {
        let open = text.iter().position(|byte| *byte == b'(').context("it is no call")?;
        let name = std::str::from_utf8(&text[..open])?.to_owned();
        let (arguments, rest) = arguments(&text[open + 1..])?;
        let outcome = rest.trim_ascii_start().strip_prefix(b"=").context("a call has no outcome")?;
        Ok(Self { name, arguments, outcome: parse_outcome(outcome.trim_ascii())? })
    }

    /// The argument at `index`, if it is a text.
    pub(super) fn text(&self, index: usize) -> Option<&PathBuf> {
        match self.arguments.get(index)? {
            Argument::Text(path) => Some(path),
            _ => None,
        }
    }

    /// The path of the open folder or file at `index`.
    pub(super) fn open(&self, index: usize) -> Option<&PathBuf> {
        match self.arguments.get(index)? {
            Argument::Open(path) => path.as_ref(),
            _ => None,
        }
    }

    /// The folder that the process is in, if the call tells it.
    pub(super) fn here(&self) -> Option<&PathBuf> {
        self.arguments.iter().find_map(|argument| match argument {
            Argument::Here(path) => Some(path),
            _ => None,
        })
    }

    /// Whether any argument that is no path holds this word.
    pub(super) fn has(&self, word: &str) -> bool {
        let word = word.as_bytes();
        self.arguments.iter().any(|argument| match argument {
            Argument::Other(text) => text.split(|byte| !is_word(*byte)).any(|part| part == word),
            _ => false,
        })
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The arguments up to the closing bracket, and what follows it.
fn arguments(text: &[u8]) -> Result<(Vec<Argument>, &[u8])> {
    let (mut found, mut begin, mut depth, mut at) = (Vec::new(), 0, 0_usize, 0);
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => at = end_of_text(text, at)?,
            b'<' if opens_path(&text[begin..at]) => at = end_of_path(text, at)?,
            b'/' if text[at..].starts_with(b"/*") => {
                let length =
                    text[at..].windows(2).skip(1).position(|pair| pair == b"*/").context("a note has no end")?;
                at += length + 2;
            }
            b'(' | b'[' | b'{' => depth += 1,
            b')' if depth == 0 => {
                if begin < at {
                    found.push(argument(text[begin..at].trim_ascii())?);
                }
                return Ok((found, &text[at + 1..]));
            }
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                found.push(argument(text[begin..at].trim_ascii())?);
                begin = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    bail!("a call has no end")
}

/// Whether `<` after this is the path of an open file: it follows its number.
fn opens_path(before: &[u8]) -> bool {
    let before = before.trim_ascii_start();
    before == b"AT_FDCWD" || (!before.is_empty() && before.iter().all(u8::is_ascii_digit))
}

fn end_of_text(text: &[u8], begin: usize) -> Result<usize> {
    let mut at = begin + 1;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => return Ok(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bail!("a text has no end")
}

/// In names of open files, `<` and `>` are escaped.
fn end_of_path(text: &[u8], begin: usize) -> Result<usize> {
    let length = text[begin..].iter().position(|byte| *byte == b'>').context("a path has no end")?;
    Ok(begin + length)
}

fn argument(text: &[u8]) -> Result<Argument> {
    if text.first() == Some(&b'"') {
        return Ok(Argument::Text(path(&text[1..end_of_text(text, 0)?])));
    }
    if let Some(begin) = text.iter().position(|byte| *byte == b'<')
        && opens_path(&text[..begin])
    {
        let path = open_path(&text[begin + 1..end_of_path(text, begin)?]);
        return Ok(match path {
            Some(path) if text.starts_with(b"AT_FDCWD") => Argument::Here(path),
            path => Argument::Open(path),
        });
    }
    Ok(Argument::Other(text.to_vec()))
}

/// Pipes and sockets have a kind and a number there.
fn open_path(text: &[u8]) -> Option<PathBuf> {
    text.starts_with(b"/").then(|| path(text))
}

fn parse_outcome(text: &[u8]) -> Result<Outcome> {
    if text.starts_with(b"?") {
        return Ok(Outcome::Unknown);
    }
    if let Some(failure) = text.strip_prefix(b"-1 ") {
        let name = failure.split(|byte| *byte == b' ').next().unwrap_or_default();
        return Ok(Outcome::Failed(String::from_utf8_lossy(name).into_owned()));
    }
    let length = text.iter().take_while(|byte| byte.is_ascii_hexdigit() || **byte == b'x').count();
    let (number, rest) = text.split_at(length);
    let number = std::str::from_utf8(number)?;
    let number = match number.strip_prefix("0x") {
        Some(_address) => 0,
        None => number.parse().context("a call has no outcome")?,
    };
    let opened = match rest.strip_prefix(b"<") {
        Some(_) => open_path(&rest[1..end_of_path(rest, 0)?]),
        None => None,
    };
    Ok(Outcome::Done(number, opened))
}

/// Undoes the escapes of C, which strace writes for all bytes that do not print.
fn path(escaped: &[u8]) -> PathBuf {
    let (mut bytes, mut at) = (Vec::with_capacity(escaped.len()), 0);
    while let Some(byte) = escaped.get(at) {
        at += 1;
        if *byte != b'\\' {
            bytes.push(*byte);
            continue;
        }
        let digits = escaped[at..].iter().take(3).take_while(|digit| matches!(digit, b'0'..=b'7')).count();
        if digits > 0 {
            let value = escaped[at..at + digits].iter().fold(0_u32, |sum, digit| sum * 8 + u32::from(digit - b'0'));
            bytes.push(value.to_le_bytes()[0]);
            at += digits;
            continue;
        }
        bytes.push(match escaped.get(at) {
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'r') => b'\r',
            Some(b'v') => 0x0b,
            Some(b'f') => 0x0c,
            Some(other) => *other,
            None => b'\\',
        });
        at += 1;
    }
    PathBuf::from(OsString::from_vec(bytes))
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::PathBuf};

    use super::{Argument, Call, Outcome};

    fn parse(line: &str) -> Call {
        Call::parse(line.as_bytes()).unwrap()
    }

    fn bytes(name: &[u8]) -> PathBuf {
        PathBuf::from(OsStr::from_bytes(name))
    }

    #[test]
    fn paths_of_open_files_are_found_in_arguments_and_outcome() {
        let call = parse("openat(AT_FDCWD</tmp/tr>, \"l\", O_RDONLY|O_CLOEXEC) = 3</tmp/tr/a.txt>");
        assert_eq!(
            (call.name.as_str(), call.here(), call.text(1)),
            ("openat", Some(&"/tmp/tr".into()), Some(&"l".into()))
        );
        assert!(call.has("O_RDONLY") && call.has("O_CLOEXEC") && !call.has("O_RD"));
        assert_eq!(call.outcome, Outcome::Done(3, Some("/tmp/tr/a.txt".into())));
    }

    #[test]
    fn any_byte_of_a_name_comes_back() {
        let call = parse(
            r#"openat(3</t/a\74b\76\"c>, "b\377ad\n\\, \0015)", O_RDONLY) = -1 ENOENT (No such file or directory)"#,
        );
        assert_eq!(call.open(0), Some(&bytes(b"/t/a<b>\"c")));
        assert_eq!(call.text(1), Some(&bytes(b"b\xffad\n\\, \x015)")));
        assert_eq!(call.outcome, Outcome::Failed("ENOENT".to_owned()));
    }

    #[test]
    fn brackets_commas_and_notes_inside_arguments_part_nothing() {
        let call = parse(r#"execve("/bin/x", [...], 0x7ffe /* 38, vars) */) = 0"#);
        assert_eq!((call.arguments.len(), call.outcome), (3, Outcome::Done(0, None)));
        let call = parse("clone3({flags=CLONE_VM|CLONE_FS, stack=0x7f0b} => {parent_tid=[17912]}, 88) = 17912");
        assert!(call.has("CLONE_FS"));
        assert_eq!((call.arguments.len(), call.outcome), (2, Outcome::Done(17912, None)));
        let call = parse("openat2(AT_FDCWD</t>, \"a\", {flags=O_WRONLY|O_CREAT, mode=0666, resolve=0}, 24) = 5</t/a>");
        assert!(call.has("O_WRONLY") && call.arguments.len() == 4);
    }

    #[test]
    fn removed_folders_pipes_and_addresses_are_read_over() {
        let call = parse("newfstatat(4</tmp/gone>(deleted), \"zz\", 0x7ffec8a42690, 0) = -1 ENOENT (No such file)");
        assert_eq!((call.open(0), call.text(1)), (Some(&"/tmp/gone".into()), Some(&"zz".into())));
        let call = parse("newfstatat(0<pipe:[123]>, \"\", {st_mode=S_IFIFO|0600, ...}, AT_EMPTY_PATH) = 0");
        assert_eq!(call.arguments[0], Argument::Open(None));
        assert_eq!(parse("getcwd(0x7ffd, 4096) = 0x7ffd").outcome, Outcome::Done(0, None));
        assert_eq!(
            parse("clone(child_stack=NULL, flags=SIGCHLD) = ? ERESTARTNOINTR (To be restarted)").outcome,
            Outcome::Unknown
        );
    }

    #[test]
    fn a_line_that_was_cut_is_refused() {
        for cut in ["open(\"a", "open(\"a\"", "open(\"a\", O_RDONLY)", "open(\"a\") = ", "openat(3</a", "x(/* a) = 0"] {
            assert!(Call::parse(cut.as_bytes()).is_err(), "{cut}");
        }
    }
}
