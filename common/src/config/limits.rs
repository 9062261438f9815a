//! `[api.limits]`: what clients may take of one API process, and for how long.
//!
//! Everything that grows with the number or the slowness of clients has a number here, so that memory and waiting are
//! bounded whatever they do. docs/limits.md says what a client sees at each of them.

use serde::{Deserialize, Serialize};

/// `[api.limits]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Connections open at once.
    pub connections: u32,
    /// How long a connection may stay open between two requests, or before the first.
    pub idle_seconds: u32,
    /// How long the head of a request may take from its first byte to its last.
    pub head_seconds: u32,
    /// The largest head of a request.
    pub head_bytes: u32,
    /// How long a client may stand still while a body is read or an answer written.
    pub stall_seconds: u32,
    /// How fast bodies must come and answers be read, beyond that.
    pub bytes_per_second: u32,
    /// What is worked on at once, lists aside, in units: a request is one, and one more for every 16 KiB of its body.
    pub work: u32,
    /// Lists that are made at once, in units: one for every 64 entries, so a page of a thousand is sixteen. They are none
    /// of `work`, so that who asks for many keeps nobody from anything else.
    pub lists: u32,
    /// Requests at once that may have to wait for a backend's host, such as attaching. They are none of `work`, so that a
    /// host that does not answer keeps nobody from reading.
    pub host_calls: u32,
    /// Requests that wait for their turn in each of these lines.
    pub waiting: u32,
    /// How long one waits for its turn.
    pub waiting_seconds: u32,
    /// Memory for bodies of requests.
    pub body_mib: u32,
    /// Memory for large answers that clients have not read yet.
    pub answer_mib: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            idle_seconds: 75,
            head_seconds: 10,
            head_bytes: 32 << 10,
            stall_seconds: 10,
            bytes_per_second: 4096,
            work: 256,
            lists: 256,
            waiting: 1024,
            waiting_seconds: 10,
            host_calls: 256,
            body_mib: 32,
            answer_mib: 64,
        }
    }
}

impl Limits {
    /// The first key that makes no sense, and why.
    pub(super) fn complaint(&self) -> Option<(String, String)> {
        let keys = [
            ("connections", self.connections, 8..=65_536),
            ("idle_seconds", self.idle_seconds, 1..=3600),
            ("head_seconds", self.head_seconds, 1..=3600),
            // Less than the first is smaller than what the parser reads at once; tokens may have 16 KiB.
            ("head_bytes", self.head_bytes, 8192..=1 << 20),
            ("stall_seconds", self.stall_seconds, 1..=3600),
            ("bytes_per_second", self.bytes_per_second, 1..=1 << 30),
            ("work", self.work, 1..=65_536),
            ("lists", self.lists, 1..=65_536),
            ("waiting", self.waiting, 0..=65_536),
            ("waiting_seconds", self.waiting_seconds, 1..=3600),
            ("host_calls", self.host_calls, 1..=65_536),
            ("body_mib", self.body_mib, 1..=2048),
            // A page of a thousand volumes has about one MiB, and must always fit.
            ("answer_mib", self.answer_mib, 8..=2048),
        ];
        keys.into_iter().find(|(_, value, may)| !may.contains(value)).map(|(key, value, may)| {
            (format!("api.limits.{key}"), format!("is {value}, but must be from {} to {}", may.start(), may.end()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Limits;

    #[test]
    fn the_defaults_are_good() {
        assert_eq!(Limits::default().complaint(), None);
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        type Change = fn(&mut Limits);
        let changes: [(&str, Change); 13] = [
            ("connections", |limits| limits.connections = 0),
            ("idle_seconds", |limits| limits.idle_seconds = 0),
            ("head_seconds", |limits| limits.head_seconds = 0),
            ("head_bytes", |limits| limits.head_bytes = 100),
            ("stall_seconds", |limits| limits.stall_seconds = 0),
            ("bytes_per_second", |limits| limits.bytes_per_second = 0),
            ("work", |limits| limits.work = 0),
            ("lists", |limits| limits.lists = 0),
            ("waiting", |limits| limits.waiting = u32::MAX),
            ("waiting_seconds", |limits| limits.waiting_seconds = 0),
            ("host_calls", |limits| limits.host_calls = 0),
            ("body_mib", |limits| limits.body_mib = 0),
            ("answer_mib", |limits| limits.answer_mib = 0),
        ];
        for (key, change) in changes {
            let mut limits = Limits::default();
            change(&mut limits);
            let (named, why) = limits.complaint().expect("refused");
            assert_eq!(named, format!("api.limits.{key}"));
            assert!(why.contains("must be from"), "{why}");
        }
    }
}
