//! What a store is, and how large.

use serde::Serialize;

use super::{opened, shape, users, version};
use crate::store::{
    Location,
    engine::{query, row},
    error::{Error, Result},
    schema,
    tx::Tx,
};

/// What a store is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// `SQLite` or `PostgreSQL`, with its version.
    pub engine: String,
    /// Where it is, without secrets.
    pub location: String,
    /// The version of its schema.
    pub schema: i64,
    /// The version that this program works with.
    pub newest_schema: i64,
    /// What it takes of the disk, its log aside.
    pub bytes: u64,
    /// Its tables.
    pub tables: Vec<TableStatus>,
    /// Whether what pools count for is what their volumes add up to; unknown where the schema is another.
    pub pool_use_agrees: Option<bool>,
    /// Who else has it open.
    pub used_by: Vec<String>,
}

/// What a table is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableStatus {
    /// Its name.
    pub table: String,
    /// Its rows.
    pub rows: u64,
}

/// Looks at a store, which may be in use, and changes nothing.
///
/// # Errors
/// When it is missing, or does not answer.
pub async fn status(location: &Location) -> Result<Status> {
    let store = opened(location).await?;
    let mut tx = store.read().await?;
    let schema = version(&mut tx).await?;
    if schema > schema::newest() {
        return Err(Error::Schema(format!(
            "version {schema} was written by a newer program; this one knows up to {}",
            schema::newest()
        )));
    }
    let mut tables = Vec::new();
    for table in shape::tables(schema).await? {
        tables.push(TableStatus { rows: table.count(&mut tx).await?, table: table.name });
    }
    let pool_use_agrees = match schema == schema::newest() {
        true => Some(tx.pool_use().await? == tx.pool_use_by_records().await?),
        false => None,
    };
    let (engine, bytes) = engine(location, &mut tx).await?;
    let used_by = users::of(location, &mut tx).await?;
    drop(tx);
    store.close().await;
    let (location, newest_schema) = (location.to_string(), schema::newest());
    Ok(Status { engine, location, schema, newest_schema, bytes, tables, pool_use_agrees, used_by })
}

async fn engine(location: &Location, tx: &mut Tx) -> Result<(String, u64)> {
    let (name, asked) = match location {
        Location::File(_) | Location::Memory(_) => (
            "SQLite ",
            "SELECT sqlite_version() AS version, page_count * page_size AS bytes \
             FROM pragma_page_count(), pragma_page_size()",
        ),
        // It calls itself by its name.
        Location::Postgres(_) => ("", "SELECT version() AS version, pg_database_size(current_database()) AS bytes"),
    };
    let told = query(asked).fetch_one(tx, |found| Ok((row::text(found, "version")?, row::count(found, "bytes")?)));
    let (version, bytes) = told.await?;
    Ok((format!("{name}{version}"), bytes))
}
