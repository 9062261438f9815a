//! What happened, in order: lines for people, and a hash by which two runs of a seed are held against each other.

use std::{
    collections::VecDeque,
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

/// Lines that are kept: the last ones, next to the failure.
const KEPT: usize = 4000;

/// A run's trace.
#[derive(Debug)]
pub(crate) struct Trace {
    lines: VecDeque<String>,
    hash: DefaultHasher,
    count: u64,
    kept: bool,
}

impl Trace {
    pub(crate) fn new(kept: bool) -> Self {
        Self { lines: VecDeque::new(), hash: DefaultHasher::new(), count: 0, kept }
    }

    pub(crate) fn note(&mut self, now: Duration, who: &str, what: fmt::Arguments<'_>) {
        let line = format!("{:>9.3}s {who:<12} {what}", now.as_secs_f64());
        line.hash(&mut self.hash);
        self.count += 1;
        if self.kept {
            if self.lines.len() == KEPT {
                self.lines.pop_front();
            }
            self.lines.push_back(line);
        }
    }

    pub(crate) fn digest(&self) -> u64 {
        self.hash.finish()
    }

    pub(crate) fn into_lines(self) -> Vec<String> {
        self.lines.into()
    }
}
