//! The contents of objects, many at once.

use anyhow::{Context, Result, bail, ensure};
use xshell::cmd;

use super::{Git, stderr};

/// So much is asked of git in one piece.
const MOST_BYTES: usize = 512 << 20;

impl Git {
    /// The contents of each of these files by their object ids; `None` for what git does not have.
    ///
    /// # Errors
    /// Git failed, or they are too large together.
    pub fn blobs(&self, ids: &[&str]) -> Result<Vec<Option<Vec<u8>>>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let shell = &self.shell;
        let input: String = ids.iter().map(|id| format!("{id}\n")).collect();
        let output = cmd!(shell, "git cat-file --batch").stdin(input).quiet().ignore_status().output()?;
        if !output.status.success() {
            bail!("git cat-file failed: {}", stderr(&output));
        }
        ensure!(output.stdout.len() <= MOST_BYTES, "the files are larger than {} MiB", MOST_BYTES >> 20);
        let mut rest = output.stdout.as_slice();
        let mut next = || {
            let (contents, left) = object(rest).context("git cat-file told fewer objects than were asked for")?;
            rest = left;
            Ok(contents.map(<[u8]>::to_vec))
        };
        ids.iter().map(|_| next()).collect()
    }
}

/// What git has of an object, and what it printed after that.
type Object<'o> = (Option<&'o [u8]>, &'o [u8]);

/// `<id> blob <size>\n<contents>\n`, or `<id> missing\n`.
fn object(output: &[u8]) -> Option<Object<'_>> {
    let end = output.iter().position(|byte| *byte == b'\n')?;
    let head = std::str::from_utf8(&output[..end]).ok()?;
    if head.ends_with(" missing") {
        return Some((None, output.get(end + 1..)?));
    }
    let size: usize = head.rsplit_once(" blob ")?.1.parse().ok()?;
    let contents = output.get(end + 1..end + 1 + size)?;
    Some((Some(contents), output.get(end + 2 + size..)?))
}

#[cfg(test)]
mod tests {
    use super::object;

    #[test]
    fn an_object_is_read_by_its_size_and_a_missing_one_is_seen() {
        assert_eq!(object(b"12 blob 3\na\nb\nrest"), Some((Some(&b"a\nb"[..]), &b"rest"[..])));
        assert_eq!(object(b"12 missing\nrest"), Some((None, &b"rest"[..])));
        assert_eq!(object(b"12 blob 3\na"), None);
        assert_eq!(object(b"12 tree 3\nabc\n"), None);
    }
}
