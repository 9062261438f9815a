//! Who has a store open besides this process.
//!
//! Asked of those who cannot be wrong: the system, which knows every open file, and the server, which knows its
//! connections. Records of hosts would only tell who was there a while ago, and nothing of API processes.

use std::{fs, path::Path, time::Duration};

use super::Error;
use crate::store::{
    Location,
    engine::{query, row},
    tx::Tx,
};

/// One that is just closing its connection is given so many looks.
const LOOKS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(200);

/// Fails while anybody else uses the store that `tx` is on.
pub(super) async fn nobody(location: &Location, tx: &mut Tx) -> Result<(), Error> {
    let mut by = of(location, tx).await?;
    for _ in 1..LOOKS {
        if by.is_empty() {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
        by = of(location, tx).await?;
    }
    if by.is_empty() { Ok(()) } else { Err(Error::InUse { by }) }
}

/// Who uses it, in words.
pub(super) async fn of(location: &Location, tx: &mut Tx) -> Result<Vec<String>, crate::store::Error> {
    match location {
        Location::Memory(_) => Ok(Vec::new()),
        Location::File(path) => Ok(processes_with(path)),
        Location::Postgres(_) => {
            // Within a transaction the server shows what it showed at the first look.
            query("SELECT pg_stat_clear_snapshot()").execute(tx).await?;
            query(
                "SELECT CAST(application_name AS TEXT) AS name, COALESCE(CAST(client_addr AS TEXT), 'this machine') AS place, \
                 COUNT(*) AS number FROM pg_stat_activity WHERE datname = current_database() \
                 AND pid <> pg_backend_pid() AND application_name = 'ashlar' GROUP BY 1, 2 ORDER BY 1, 2",
            )
            .fetch_all(tx, |found| {
                let (name, place) = (row::text(found, "name")?, row::text(found, "place")?);
                Ok(format!("{} connections of {name} from {place}", row::count(found, "number")?))
            })
            .await
        }
    }
}

/// The processes of this machine that have a file open, as far as this user may see them.
fn processes_with(path: &Path) -> Vec<String> {
    let Ok(path) = path.canonicalize() else { return Vec::new() };
    let own = std::process::id();
    let entries = fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).filter(|pid| *pid != own);
    let has = |pid: &u32| {
        let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().filter_map(Result::ok);
        open.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|target| target == path)
    };
    numbers.filter(has).map(|pid| format!("process {pid} ({})", name_of(pid))).collect()
}

fn name_of(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).map_or_else(|_| "ended".to_owned(), |name| name.trim().to_owned())
}
