//! Using up the metadata of a thin pool.
//!
//! A thin device takes one block of metadata at least, so empty ones are made until there are as good as none left. The very last
//! blocks stay: a pool without any takes no messages at all any more, those that remove something neither, until it is repaired.

use std::time::Duration;

use super::tools::{run, tool};
use crate::error::{Error, Result};

const SCRIPT: &str = include_str!("messages.py");
const LIMIT: Duration = Duration::from_secs(60);
/// LVM counts the numbers of its thin devices from 1 on, and they end at 2^24.
const FIRST: u64 = 1 << 22;
/// Of some hundred blocks these are less than one in a hundred.
const LEFT: u64 = 3;
/// Each round takes most of what is left.
const ROUNDS: u32 = 30;

/// Uses up what there is; says how many thin devices were made for it.
pub(super) fn fill(pool: &str) -> Result<u64> {
    let mut made = 0;
    for _ in 0..ROUNDS {
        let (used, total) = blocks(pool)?;
        let left = total.saturating_sub(used);
        if left <= LEFT {
            return Ok(made);
        }
        let more = ((left - LEFT) / 2).max(1);
        send(pool, "create", FIRST + made, more)?;
        made += more;
    }
    Err(Error::State("to have its metadata used up, and still has some"))
}

/// Gives it back.
pub(super) fn release(pool: &str, made: u64) -> Result<()> {
    send(pool, "delete", FIRST, made)
}

fn send(pool: &str, verb: &str, first: u64, count: u64) -> Result<()> {
    let words = ["-c", SCRIPT, pool, verb, &first.to_string(), &count.to_string()];
    tool("python3")?.arguments(words).run(LIMIT).map(drop)
}

/// Blocks of metadata used, and all (`Documentation/admin-guide/device-mapper/thin-provisioning.rst`, "Status").
fn blocks(pool: &str) -> Result<(u64, u64)> {
    let status = run("dmsetup", ["status", "--noflush", pool])?;
    let numbers = status.split_whitespace().nth(4).and_then(|word| word.split_once('/'));
    let parsed = numbers.and_then(|(used, total)| Some((used.parse().ok()?, total.parse().ok()?)));
    parsed.ok_or(Error::State("to be a thin pool, and its status is none"))
}
