//! The schema, and how it changes from version to version: up when a program is replaced by a newer one, down when the
//! operator goes back.
//!
//! Each change is a file in `migrations/` with its reverse, and runs in one transaction on either engine.

use std::time::Duration;

use super::{
    engine::{
        Connection,
        connection::Step,
        location::{Location, Role},
        query, row,
    },
    error::{Error, Result},
};

/// One step of the schema.
struct Change {
    number: i64,
    name: &'static str,
    up: &'static str,
    /// `None` for the first: before it there is nothing to go back to.
    down: Option<&'static str>,
}

const CHANGES: &[Change] = &[
    Change { number: 1, name: "first", up: include_str!("../../migrations/0001_first.sql"), down: None },
    Change {
        number: 2,
        name: "turn",
        up: include_str!("../../migrations/0002_turn.up.sql"),
        down: Some(include_str!("../../migrations/0002_turn.down.sql")),
    },
    Change {
        number: 3,
        name: "members",
        up: include_str!("../../migrations/0003_members.up.sql"),
        down: Some(include_str!("../../migrations/0003_members.down.sql")),
    },
    Change {
        number: 4,
        name: "pool-use",
        up: include_str!("../../migrations/0004_pool_use.up.sql"),
        down: Some(include_str!("../../migrations/0004_pool_use.down.sql")),
    },
    Change {
        number: 5,
        name: "findings",
        up: include_str!("../../migrations/0005_findings.up.sql"),
        down: Some(include_str!("../../migrations/0005_findings.down.sql")),
    },
    Change {
        number: 6,
        name: "promises",
        up: include_str!("../../migrations/0006_promises.up.sql"),
        down: Some(include_str!("../../migrations/0006_promises.down.sql")),
    },
];

/// Which changes the store has. Zero stands for none, and its row is the lock of whoever changes the schema.
const PREPARE: &str = "CREATE TABLE IF NOT EXISTS schema_changes (number BIGINT PRIMARY KEY, name TEXT NOT NULL); \
    INSERT INTO schema_changes (number, name) VALUES (0, 'empty') ON CONFLICT DO NOTHING";
/// Processes that start at once on an empty server may stumble over each other's `CREATE`.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(100);

/// The newest version, which this program works with.
#[must_use]
pub const fn newest() -> i64 {
    CHANGES[CHANGES.len() - 1].number
}

/// Brings the schema up to date.
///
/// # Errors
/// [`Error::Schema`] when a newer program wrote it.
pub(super) async fn upgrade(location: &Location) -> Result<Connection> {
    change_to(location, newest()).await
}

/// Brings the schema to a version, up or down. Gives the connection back: a database in memory lives as long as one.
///
/// # Errors
/// [`Error::Schema`] when the store's version is newer than this program, or the version asked for is not known.
pub(super) async fn change_to(location: &Location, wanted: i64) -> Result<Connection> {
    let _turn = match location.prepare()? {
        Some(turns) => Some(turns.wait().await?),
        None => None,
    };
    let mut connection = location.connect(Role::Writer).await?;
    prepare(&mut connection).await?;
    connection.step(Step::BeginSchema).await?;
    adopt(&mut connection).await?;
    let current = version(&mut connection).await?;
    if current > newest() {
        return Err(Error::Schema(format!(
            "version {current} was written by a newer program; this one knows up to {}",
            newest()
        )));
    }
    if wanted < 1 || wanted > newest() {
        return Err(Error::Schema(format!("there is no version {wanted}; they go from 1 to {}", newest())));
    }
    for change in CHANGES.iter().filter(|change| change.number > current && change.number <= wanted) {
        connection.script(change.up).await?;
        let noted = query("INSERT INTO schema_changes (number, name) VALUES ($1, $2)");
        connection.execute(&noted.bind(change.number).bind(change.name)).await?;
    }
    for change in CHANGES.iter().rev().filter(|change| change.number <= current && change.number > wanted) {
        let down = change.down.ok_or_else(|| Error::Schema(format!("{} cannot be undone", change.name)))?;
        connection.script(down).await?;
        let gone = query("DELETE FROM schema_changes WHERE number = $1");
        connection.execute(&gone.bind(change.number)).await?;
    }
    connection.step(Step::EndSchema).await?;
    Ok(connection)
}

/// The version of a store that was prepared.
pub(super) async fn version(connection: &mut Connection) -> Result<i64> {
    let asked = query("SELECT MAX(number) AS number FROM schema_changes");
    let found = connection.fetch(&asked, |row| row::number(row, "number")).await?;
    Ok(found.first().copied().unwrap_or(0))
}

async fn prepare(connection: &mut Connection) -> Result<()> {
    let mut tries = 1;
    loop {
        match connection.script(PREPARE).await {
            Err(Error::Database(_) | Error::Busy) if tries < TRIES => tries += 1,
            prepared => return prepared,
        }
        tokio::time::sleep(PAUSE * tries).await;
    }
}

/// The first versions of Ashlar noted their changes in a table of the library that made them.
async fn adopt(connection: &mut Connection) -> Result<()> {
    let Connection::Sqlite(_) = connection else { return Ok(()) };
    let asked = query("SELECT name FROM sqlite_master WHERE type = 'table' AND name = '_sqlx_migrations'");
    if connection.fetch(&asked, |_| Ok(())).await?.is_empty() {
        return Ok(());
    }
    connection
        .script(
            "INSERT INTO schema_changes (number, name) SELECT version, description FROM _sqlx_migrations; \
             DROP TABLE _sqlx_migrations",
        )
        .await
}
