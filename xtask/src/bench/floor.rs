//! The least that the machine takes for the same work, measured without the service.

use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, TcpListener},
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use crate::up::api::Api;

/// How the store opens its file; each transaction writes about what an operation's record takes.
const COMMITS: &str = "
import json, sqlite3, sys, time
path, count = sys.argv[1], int(sys.argv[2])
db = sqlite3.connect(path, isolation_level=None)
db.execute('PRAGMA journal_mode = WAL')
db.execute('PRAGMA synchronous = FULL')
db.execute('CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, text TEXT)')
times = []
for _ in range(count):
    start = time.perf_counter_ns()
    for _ in range(3):
        db.execute('BEGIN IMMEDIATE')
        db.execute('INSERT INTO t (text) VALUES (?)', ('x' * 500,))
        db.execute('COMMIT')
    times.append(time.perf_counter_ns() - start)
print(json.dumps(times))
";
const LONGEST_HEAD: usize = 200;

/// Times of making a sparse file of 1 GiB the safe way: made beside, synced, renamed, its directory synced.
///
/// # Errors
/// The directory cannot be used.
pub fn file(directory: &Path, count: usize) -> Result<Vec<Duration>> {
    let (staged, made) = (directory.join("staged"), directory.join("made"));
    let mut times = Vec::new();
    for _ in 0..count {
        let started = Instant::now();
        let file = File::create(&staged).with_context(|| format!("cannot write {}", staged.display()))?;
        file.set_len(1 << 30)?;
        file.sync_all()?;
        std::fs::rename(&staged, &made)?;
        File::open(directory)?.sync_all()?;
        times.push(started.elapsed());
    }
    std::fs::remove_file(&made)?;
    Ok(times)
}

/// Times of three transactions, which is what a volume takes from the request to its end, each of them safe from power loss.
///
/// # Errors
/// Python or its SQLite is missing.
pub fn commits(directory: &Path, count: usize) -> Result<Vec<Duration>> {
    let (shell, path, count) = (Shell::new()?, directory.join("floor.sqlite"), count.to_string());
    let said = cmd!(shell, "python3 -c {COMMITS} {path} {count}").quiet().read();
    let said =
        said.context("the floor of the store is measured with python3 and its sqlite3: apt-get install python3")?;
    let times: Vec<u64> = serde_json::from_str(&said).context("python3 said something else than times")?;
    Ok(times.into_iter().map(Duration::from_nanos).collect())
}

/// Times of asking a server that has nothing to do for an answer of these bytes, over one connection on loopback.
///
/// # Errors
/// Nothing can listen on loopback.
pub fn answers(body: &str, count: usize) -> Result<Vec<Duration>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot listen on loopback")?;
    let api = Api::at(listener.local_addr()?);
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
    let answer = head + body;
    std::thread::scope(|scope| {
        let server = scope.spawn(move || serve(&listener, answer.as_bytes()));
        let mut times = Vec::new();
        for _ in 0..count {
            let started = Instant::now();
            api.health()?;
            times.push(started.elapsed());
        }
        // With the client its connection goes, and with that the server.
        drop(api);
        server.join().map_err(|_| anyhow::anyhow!("the server of the floor failed"))??;
        Ok(times)
    })
}

/// Answers all requests of one connection.
fn serve(listener: &TcpListener, answer: &[u8]) -> Result<()> {
    let (connection, _) = listener.accept()?;
    connection.set_nodelay(true)?;
    let mut writer = connection.try_clone()?;
    let mut reader = BufReader::new(connection);
    let mut line = String::new();
    for _ in 0..LONGEST_HEAD * 1000 {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if line == "\r\n" {
            writer.write_all(answer)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{answers, file};

    #[test]
    fn floors_are_above_nothing() {
        let folder = tempfile::tempdir().unwrap();
        assert!(file(folder.path(), 2).unwrap().iter().all(|time| time.as_nanos() > 0));
        assert!(answers("{}", 2).unwrap().iter().all(|time| time.as_nanos() > 0));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
