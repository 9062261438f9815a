//! Reading and writing the rows of any table, a bounded piece at a time.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::shape::Table;
use crate::store::{
    engine::{query, row, value::Value},
    error::Result,
    tx::Tx,
};

/// Rows in memory at once.
const PIECE: usize = 500;
/// Parameters of one statement: both engines take at least four times that.
const PARAMETERS: usize = 8000;

/// What a table holds, in short.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) rows: u64,
    /// The same for the same rows in any order: engines sort text each in their own way.
    pub(super) checksum: u64,
}

impl Sum {
    pub(super) fn add(&mut self, row: &[Value]) {
        let mut hasher = DefaultHasher::new();
        row.hash(&mut hasher);
        self.rows += 1;
        self.checksum = self.checksum.wrapping_add(hasher.finish());
    }
}

impl Table {
    /// The next rows after one, in the order of the key; none at the end.
    pub(super) async fn piece(&self, tx: &mut Tx, after: Option<&Vec<Value>>) -> Result<Vec<Vec<Value>>> {
        let names = |keys_only: bool| {
            let named = self.columns.iter().filter(|column| column.key || !keys_only);
            named.map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ")
        };
        let (all, key) = (names(false), names(true));
        let mut asked = query(format!("SELECT {all} FROM {}", self.name));
        if let Some(row) = after {
            let last = self.columns.iter().zip(row).filter(|(column, _)| column.key).map(|(_, value)| value.clone());
            asked.push(" WHERE (").push_text(&key).push(") > (");
            for (index, value) in last.enumerate() {
                asked.push(if index == 0 { "" } else { ", " }).push_bind(value);
            }
            asked.push(")");
        }
        asked.push(" ORDER BY ").push_text(&key).push(" LIMIT ").push_text(&PIECE.to_string());
        asked
            .fetch_all(tx, |found| {
                let columns = self.columns.iter().enumerate();
                columns.map(|(index, column)| row::value(found, index, column.number)).collect()
            })
            .await
    }

    /// Writes rows that are not there.
    pub(super) async fn write(&self, tx: &mut Tx, rows: &[Vec<Value>]) -> Result<()> {
        let names: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        for rows in rows.chunks((PARAMETERS / names.len().max(1)).max(1)) {
            let mut written = query(format!("INSERT INTO {} ({}) VALUES ", self.name, names.join(", ")));
            for (number, row) in rows.iter().enumerate() {
                written.push(if number == 0 { "(" } else { ", (" });
                for (index, value) in row.iter().enumerate() {
                    written.push(if index == 0 { "" } else { ", " }).push_bind(value.clone());
                }
                written.push(")");
            }
            written.execute(tx).await?;
        }
        Ok(())
    }

    /// What it holds, told by and by.
    pub(super) async fn sum(&self, tx: &mut Tx) -> Result<Sum> {
        let mut sum = Sum::default();
        let mut last = None;
        loop {
            let rows = self.piece(tx, last.as_ref()).await?;
            rows.iter().for_each(|row| sum.add(row));
            match rows.into_iter().next_back() {
                None => return Ok(sum),
                row => last = row,
            }
        }
    }

    /// How many rows it has.
    pub(super) async fn count(&self, tx: &mut Tx) -> Result<u64> {
        let asked = query(format!("SELECT COUNT(*) AS number FROM {}", self.name));
        asked.fetch_one(tx, |found| row::count(found, "number")).await
    }
}
