//! `postmaster.pid`, in which a server says how far it is; `pg_ctl` reads it for the same.

use std::path::Path;

/// What is in it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct PidFile {
    /// The first process of the server.
    pub(super) pid: String,
    /// The number of its segment of System V's shared memory.
    pub(super) shared_memory: Option<String>,
    /// Whether connections are taken.
    pub(super) ready: bool,
}

impl PidFile {
    /// Of the server in `data`, if it has one: it is there from the start of a server to its orderly end.
    pub(super) fn read(data: &Path) -> Option<Self> {
        Self::parse(&std::fs::read_to_string(data.join("postmaster.pid")).ok()?)
    }

    /// Line by line: pid, directory, start, port, socket directory, address, key and number of the segment, state.
    fn parse(text: &str) -> Option<Self> {
        let line = |at: usize| text.lines().nth(at).map(str::trim);
        let shared_memory = line(6).and_then(|line| line.split_whitespace().nth(1)).map(str::to_owned);
        Some(Self { pid: line(0)?.to_owned(), shared_memory, ready: line(7) == Some("ready") })
    }
}

#[cfg(test)]
mod tests {
    use super::PidFile;

    #[test]
    fn a_server_is_ready_when_it_says_so() {
        let check = |text: &str, shared_memory: Option<&str>, ready: bool| {
            let expected = PidFile { pid: "71".to_owned(), shared_memory: shared_memory.map(str::to_owned), ready };
            assert_eq!(PidFile::parse(text), Some(expected), "{text}");
        };
        check("71\n/d\n1\n", None, false);
        check("71\n/d\n1\n5\n/s\n127.0.0.1\n    72      4\nstarting\n", Some("4"), false);
        check("71\n/d\n1\n5\n/s\n127.0.0.1\n    72      4\nready   \n", Some("4"), true);
        assert_eq!(PidFile::parse(""), None);
    }
}
