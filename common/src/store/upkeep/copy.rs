//! Copying a store to an empty one, on the same engine or the other.
//!
//! One transaction holds the right to write of the store that is read, so nobody changes it meanwhile; one transaction
//! fills the other, reads all of it back, and is durable as a whole or leaves nothing.

use serde::Serialize;

use super::{
    Error, opened,
    rows::Sum,
    shape::{self, Table},
    users, version,
};
use crate::store::{Location, Store, schema, tx::Tx};

/// A table that was copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Copied {
    /// Its name.
    pub table: String,
    /// Its rows.
    pub rows: u64,
    /// Of what they hold, in any order.
    pub checksum: String,
}

/// How far a copy has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The table under way.
    pub table: &'a str,
    /// Its rows written.
    pub written: u64,
    /// Its rows.
    pub rows: u64,
}

/// Copies all records from one store to another, which must be empty or missing. Nobody may use either meanwhile.
///
/// # Errors
/// Any [`Error`]; the other store is then as empty as before.
pub async fn copy(from: &Location, to: &Location, mut tell: impl FnMut(&Progress<'_>)) -> Result<Vec<Copied>, Error> {
    if from == to {
        return Err(Error::Same);
    }
    // By a handle of its own, whose connection is gone when users are counted.
    let looked = opened(from).await?;
    let found = version(&mut looked.read().await?).await;
    looked.close().await;
    let found = found?;
    if found != schema::newest() {
        return Err(Error::Version { found, wanted: schema::newest() });
    }
    let source = opened(from).await?;
    let mut reading = source.write().await?;
    users::nobody(from, &mut reading).await?;
    let target = Store::open(to).await?;
    let mut writing = target.write().await?;
    users::nobody(to, &mut writing).await?;
    let tables = shape::tables(schema::newest()).await?;
    for table in &tables {
        let rows = table.count(&mut writing).await?;
        if rows > 0 {
            return Err(Error::NotEmpty { table: table.name.clone(), rows });
        }
    }
    let mut copied = Vec::new();
    for table in &tables {
        copied.push(copy_table(table, &mut reading, &mut writing, &mut tell).await?);
    }
    // Whoever came meanwhile waits for its turn, and would go on with the old store.
    users::nobody(from, &mut reading).await?;
    writing.commit().await?;
    drop(reading);
    source.close().await;
    target.close().await;
    Ok(copied)
}

async fn copy_table(
    table: &Table,
    reading: &mut Tx,
    writing: &mut Tx,
    tell: &mut impl FnMut(&Progress<'_>),
) -> Result<Copied, Error> {
    let all = table.count(reading).await?;
    let mut read = Sum::default();
    let mut last = None;
    loop {
        let rows = table.piece(reading, last.as_ref()).await?;
        table.write(writing, &rows).await?;
        rows.iter().for_each(|row| read.add(row));
        tell(&Progress { table: &table.name, written: read.rows, rows: all });
        match rows.into_iter().next_back() {
            None => break,
            row => last = row,
        }
    }
    if table.sum(writing).await? != read || read.rows != all {
        return Err(Error::Differs { table: table.name.clone() });
    }
    Ok(Copied { table: table.name.clone(), rows: read.rows, checksum: format!("{:016x}", read.checksum) })
}
