//! What the store's engine takes for durable commits, driven by nothing but itself.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use crate::bench::client::histogram::Histogram;

/// Commits that a volume takes from the request to its end: request, claim, outcome.
pub const COMMITS: u32 = 3;

/// How the store opens its file; each transaction writes about what an operation's record takes.
const SQLITE: &str = "
import json, sqlite3, sys, time
path, count = sys.argv[1], int(sys.argv[2])
db = sqlite3.connect(path, isolation_level=None)
db.execute('PRAGMA journal_mode = WAL')
db.execute('PRAGMA synchronous = FULL')
db.execute('CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, text TEXT)')
times = []
for _ in range(count):
    start = time.perf_counter_ns()
    db.execute('BEGIN IMMEDIATE')
    db.execute('INSERT INTO t (text) VALUES (?)', ('x' * 500,))
    db.execute('COMMIT')
    times.append(time.perf_counter_ns() - start)
print(json.dumps(times))
";

/// Times of transactions on an SQLite file, each of them safe from power loss.
///
/// # Errors
/// Python or its SQLite is missing.
pub fn sqlite(directory: &Path, count: usize) -> Result<Histogram> {
    let (shell, path, count) = (Shell::new()?, directory.join("floor.sqlite"), count.to_string());
    let said = cmd!(shell, "python3 -c {SQLITE} {path} {count}").quiet().read();
    let said =
        said.context("the floor of the store is measured with python3 and its sqlite3: apt-get install python3")?;
    let times: Vec<u64> = serde_json::from_str(&said).context("python3 said something else than times")?;
    Ok(times.into_iter().map(Duration::from_nanos).collect())
}
