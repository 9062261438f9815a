//! The end of a log, bounded, for people to read.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
};

const LINES: usize = 30;
const BYTES: u64 = 16 << 10;

/// The last lines of the file at `log`, each behind a bar; or why they cannot be read.
#[must_use]
pub fn tail(log: &Path) -> String {
    match end(log) {
        Ok(text) => barred(&text),
        Err(error) => format!("  | the log {} cannot be read: {error}\n", log.display()),
    }
}

fn end(log: &Path) -> std::io::Result<String> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(BYTES)))?;
    let mut bytes = Vec::new();
    file.take(BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn barred(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].iter().map(|line| format!("  | {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::{LINES, barred};

    #[test]
    fn only_the_last_lines_are_shown() {
        let text: String = (0..LINES + 5).map(|line| format!("{line}\n")).collect();
        let shown = barred(&text);
        assert_eq!(shown.lines().count(), LINES);
        assert!(shown.starts_with("  | 5\n"), "{shown}");
    }
}
