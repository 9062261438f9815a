//! Names of files as git has them: bytes, with `/` between the parts.

use std::{
    borrow::Cow,
    ffi::OsStr,
    fmt,
    os::unix::ffi::OsStrExt,
    path::{Component, Path, PathBuf},
};

use anyhow::{Context, Result};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// A path relative to the workspace root; any bytes but NUL, never with a trailing `/`.
///
/// It prints on one line whatever it holds: a backslash, control characters and bytes that are no UTF-8 are escaped,
/// so that two different paths never look the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoPath(Vec<u8>);

impl RepoPath {
    /// Takes the bytes that git printed.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        let mut bytes = bytes.into();
        while bytes.last() == Some(&b'/') {
            bytes.pop();
        }
        Self(bytes)
    }

    /// Where the paths below this one begin, in the order of paths: a place to search from, no path.
    #[must_use]
    pub fn inside(&self) -> Self {
        let slash: &[u8] = if self.0.is_empty() { b"" } else { b"/" };
        Self([&self.0, slash].concat())
    }

    /// The name as git knows it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The name as the operating system takes it.
    #[must_use]
    pub fn to_path_buf(&self) -> PathBuf {
        PathBuf::from(OsStr::from_bytes(&self.0))
    }

    /// What is left of this path below `directory`; `None` where it is not below it. Below "" is everything.
    #[must_use]
    pub fn below(&self, directory: &[u8]) -> Option<&[u8]> {
        if directory.is_empty() {
            return Some(&self.0);
        }
        self.0.strip_prefix(directory)?.strip_prefix(b"/")
    }

    /// Where a symbolic link at this path leads, by its text alone; `None` where that is absolute or leaves the tree.
    #[must_use]
    pub fn follow(&self, target: &[u8]) -> Option<Self> {
        let here = self.to_path_buf();
        let mut parts: Vec<&OsStr> = Vec::new();
        let joined = here.parent()?.join(OsStr::from_bytes(target));
        for component in joined.components() {
            match component {
                Component::Normal(part) => parts.push(part),
                Component::CurDir => {}
                Component::ParentDir => {
                    parts.pop()?;
                }
                Component::RootDir | Component::Prefix(_) => return None,
            }
        }
        Some(Self(parts.join(OsStr::new("/")).as_bytes().to_vec()))
    }

    /// Reads a path as it prints.
    ///
    /// # Errors
    /// It is not printed so.
    pub fn from_printed(text: &str) -> Result<Self> {
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('\\') {
            bytes.extend_from_slice(&rest.as_bytes()[..at]);
            let escape = &rest[at + 1..];
            let (letter, left) = escaped(escape).with_context(|| format!("`{text}` is no printed path"))?;
            bytes.extend(letter);
            rest = left;
        }
        bytes.extend_from_slice(rest.as_bytes());
        Ok(Self(bytes))
    }

    /// Its last part, and the one before; empty where there is none.
    #[must_use]
    pub fn name_and_folder(&self) -> (&[u8], &[u8]) {
        let mut parts = self.0.rsplit(|byte| *byte == b'/');
        (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
    }

    /// The folder that holds it; `None` for what lies at the top.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let slash = self.0.iter().rposition(|byte| *byte == b'/')?;
        Some(Self(self.0[..slash].to_vec()))
    }

    /// The path of a file below `root`; `None` where `path` is elsewhere.
    #[must_use]
    pub fn relative(root: &Path, path: &Path) -> Option<Self> {
        path.strip_prefix(root).ok().map(|rest| Self::new(rest.as_os_str().as_bytes()))
    }
}

impl From<&str> for RepoPath {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for letter in chunk.valid().chars() {
                if letter.is_control() || is_unseen(letter) || letter == '\\' {
                    write!(f, "{}", letter.escape_default())?;
                } else {
                    write!(f, "{letter}")?;
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// What follows a backslash, as bytes, and the rest of the text.
fn escaped(text: &str) -> Option<(Vec<u8>, &str)> {
    let letter = text.chars().next()?;
    let rest = &text[letter.len_utf8()..];
    Some(match letter {
        '\\' => (vec![b'\\'], rest),
        'n' => (vec![b'\n'], rest),
        'r' => (vec![b'\r'], rest),
        't' => (vec![b'\t'], rest),
        'x' => (vec![u8::from_str_radix(rest.get(..2)?, 16).ok()?], rest.get(2..)?),
        'u' => {
            let (code, rest) = rest.strip_prefix('{')?.split_once('}')?;
            let letter = char::from_u32(u32::from_str_radix(code, 16).ok()?)?;
            (letter.to_string().into_bytes(), rest)
        }
        _ => return None,
    })
}

impl Serialize for RepoPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RepoPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::from_printed(&text).map_err(D::Error::custom)
    }
}

/// Letters without a shape, and those that turn the direction of others: with them, two names look the same.
fn is_unseen(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::RepoPath;

    #[test]
    fn what_is_printed_is_read_back() {
        for bytes in [&b"a b\n\xff\\x"[..], b"\\u{1b}", b"\x1b\t\r", "\u{85}ä".as_bytes(), b"\\xff", b""] {
            let path = RepoPath::new(bytes);
            assert_eq!(RepoPath::from_printed(&path.to_string()).unwrap(), path);
            let json = serde_json::to_string(&path).unwrap();
            assert_eq!(serde_json::from_str::<RepoPath>(&json).unwrap(), path);
        }
        for text in ["\\", "\\q", "\\x1", "\\u{110000}"] {
            assert!(RepoPath::from_printed(text).is_err(), "{text}");
        }
    }

    #[test]
    fn hostile_names_print_on_one_line_and_stay_distinct() {
        assert_eq!(RepoPath::new(*b"a b\n\xff\\x").to_string(), "a b\\n\\xff\\\\x");
        assert_eq!(RepoPath::new("gpj.\u{202e}sh\u{200b}").to_string(), "gpj.\\u{202e}sh\\u{200b}");
        assert_ne!(RepoPath::new(*b"\xff").to_string(), RepoPath::new(*b"\\xff").to_string());
    }

    #[test]
    fn a_directory_is_a_prefix_only_at_a_slash() {
        let path = RepoPath::new("drivers/local2/src");
        assert_eq!(path.below(b"drivers/local"), None);
        assert_eq!(path.below(b"drivers/local2"), Some(&b"src"[..]));
        assert_eq!(path.below(b""), Some(&b"drivers/local2/src"[..]));
    }

    #[test]
    fn links_are_followed_inside_the_tree_only() {
        let link = RepoPath::new("a/b/link");
        assert_eq!(link.follow(b"../c"), Some(RepoPath::new("a/c")));
        assert_eq!(link.follow(b"../../../c"), None);
        assert_eq!(link.follow(b"/etc/passwd"), None);
    }
}
