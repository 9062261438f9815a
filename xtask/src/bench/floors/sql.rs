//! What the store's engine takes for durable commits, driven by nothing but its own tools.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result};
use ashlar_lab::postgres::Database;
use xshell::{Shell, cmd};

use crate::bench::{client::histogram::Histogram, store::each_second};

/// Commits that a volume takes from the request to its end: request, claim, outcome.
pub const COMMITS: u32 = 3;

/// Durable transactions of one row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Commits {
    /// What one takes: the median where single times are known, else the mean.
    pub each: Duration,
    /// How many end in a second.
    pub rate: f64,
}

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

/// On an SQLite file, one after another.
///
/// # Errors
/// Python or its SQLite is missing.
pub fn sqlite(directory: &Path, count: usize) -> Result<Commits> {
    let (shell, path, count) = (Shell::new()?, directory.join("floor.sqlite"), count.to_string());
    let said = cmd!(shell, "python3 -c {SQLITE} {path} {count}").quiet().read();
    let said =
        said.context("the floor of the store is measured with python3 and its sqlite3: apt-get install python3")?;
    let times: Vec<u64> = serde_json::from_str(&said).context("python3 said something else than times")?;
    let times: Histogram = times.into_iter().map(Duration::from_nanos).collect();
    Ok(Commits { each: times.median(), rate: each_second(times.median()) })
}

const TABLE: &str = "CREATE TABLE t (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, text TEXT)";
const INSERT: &str = "INSERT INTO t (text) VALUES (repeat('x', 500));\n";
/// `pgbench` uses so many threads of this machine's.
const THREADS: usize = 2;

/// On a PostgreSQL server, by so many `clients` at once, with statements prepared.
///
/// # Errors
/// `pgbench` is missing, or says something else.
pub fn postgres(database: &Database, directory: &Path, count: usize, clients: usize) -> Result<Commits> {
    database.sql(TABLE)?;
    let (shell, script, address) = (Shell::new()?, directory.join("floor.sql"), database.address());
    std::fs::write(&script, INSERT).with_context(|| format!("cannot write {}", script.display()))?;
    let (program, name) = (address.program("pgbench"), database.name());
    // It knows every word of the others but this one; it asks for no password where it finds one.
    let words = address.words().into_iter().filter(|word| word != "--no-password");
    let each = count.div_ceil(clients).to_string();
    let (threads, clients) = (clients.min(THREADS).to_string(), clients.to_string());
    let bench = cmd!(
        shell,
        "{program} {words...} --no-vacuum --protocol=prepared --file={script} --client={clients} --jobs={threads} --transactions={each} {name}"
    );
    let said = bench.env("PGPASSFILE", address.pass_file()).quiet().ignore_stderr().read();
    printed(&said.context("pgbench does not reach the server")?).context("pgbench said something else than its rate")
}

/// What `pgbench` prints, its connections left out.
fn printed(text: &str) -> Option<Commits> {
    let number = |name: &str| {
        let rest = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix('='))?;
        rest.trim().split(' ').next()?.parse::<f64>().ok()
    };
    let (latency, rate) = (number("latency average")?, number("tps")?);
    Some(Commits { each: Duration::try_from_secs_f64(latency / 1000.0).ok()?, rate })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Commits, printed};

    #[test]
    fn what_pgbench_prints_is_read() {
        let text = "number of failed transactions: 0 (0.000%)\nlatency average = 0.250 ms\n\
                    initial connection time = 7.5 ms\ntps = 4000.125 (without initial connection time)\n";
        assert_eq!(printed(text), Some(Commits { each: Duration::from_micros(250), rate: 4000.125 }));
        assert_eq!(printed("tps = many"), None);
    }
}
