//! The durable commit itself, and what becomes of one whose connection is lost meanwhile.

use std::time::Duration;

use uuid::Uuid;

use super::{
    Connection,
    connection::Step,
    location::{Location, Role},
};
use crate::store::error::{Error, Result};

/// How long an interrupted commit is looked for.
const SETTLE: Duration = Duration::from_secs(20);
const SETTLE_PAUSE: Duration = Duration::from_millis(250);

/// Commits; gives the connection back if it can still be used.
pub(super) async fn commit(location: &Location, connection: Connection) -> (Option<Connection>, Result<()>) {
    match connection {
        Connection::Sqlite(mut sqlite) if sqlite.volatile => {
            let outcome = sqlite.commit();
            (Some(Connection::Sqlite(sqlite)), outcome)
        }
        // Off the async threads: it waits for the disk.
        Connection::Sqlite(mut sqlite) => {
            let joined = tokio::task::spawn_blocking(move || {
                let outcome = sqlite.commit();
                (sqlite, outcome)
            });
            match joined.await {
                Ok((sqlite, outcome)) => {
                    (Some(Connection::Sqlite(sqlite)).filter(|connection| !connection.is_broken()), outcome)
                }
                Err(_) => (None, Err(Error::Unknown)),
            }
        }
        Connection::Postgres(mut postgres) => {
            let mark = Uuid::new_v4();
            match postgres.commit(mark).await {
                Err(error) if error.ends_connection() => (None, settle(location, mark, error).await),
                Err(error) => (None, Err(error)),
                Ok(()) => (Some(Connection::Postgres(postgres)), Ok(())),
            }
        }
    }
}

/// The connection was lost in the middle of a commit: finds out what became of it, by its mark.
async fn settle(location: &Location, mark: Uuid, lost: Error) -> Result<()> {
    let looked = tokio::time::timeout(SETTLE, async {
        loop {
            if let Ok(found) = look(location, mark).await {
                return found;
            }
            tokio::time::sleep(SETTLE_PAUSE).await;
        }
    });
    match looked.await {
        Ok(true) => Ok(()),
        Ok(false) => Err(lost),
        Err(_) => Err(Error::Unknown),
    }
}

async fn look(location: &Location, mark: Uuid) -> Result<bool> {
    let mut connection = location.connect(Role::Writer).await?;
    // With the turn in hand, the transaction in question has ended this way or the other.
    connection.step(Step::BeginWrite).await?;
    let asked = super::query("SELECT number FROM commits WHERE mark = $1").bind(mark.as_hyphenated().to_string());
    let found = connection.fetch(&asked, |_| Ok(())).await?;
    connection.step(Step::Undo).await?;
    Ok(!found.is_empty())
}
