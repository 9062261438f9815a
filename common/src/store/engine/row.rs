//! Reading columns into types.

use std::{cell::Cell, fmt::Display, str::FromStr};

use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use tokio_postgres::Row as PgRow;

use super::value::Value;
use crate::{
    store::error::{Error, Result},
    units::ByteCount,
};

/// A row while it is read.
pub(in crate::store) struct Row<'a> {
    cells: Cells<'a>,
    /// Columns before this one are another table's.
    first: usize,
    /// Where the next column is likely to be: records are mostly read in the order of their columns.
    next: Cell<usize>,
}

#[derive(Clone, Copy)]
enum Cells<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a PgRow),
}

impl Cells<'_> {
    fn is_named(&self, index: usize, column: &str) -> bool {
        match self {
            Self::Sqlite(row) => row.as_ref().column_name(index).is_ok_and(|name| name == column),
            Self::Postgres(row) => row.columns().get(index).is_some_and(|known| known.name() == column),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Sqlite(row) => row.as_ref().column_count(),
            Self::Postgres(row) => row.len(),
        }
    }
}

impl<'a> Row<'a> {
    pub(super) fn sqlite(row: &'a rusqlite::Row<'a>) -> Self {
        Self::of(Cells::Sqlite(row), 0)
    }

    pub(super) fn postgres(row: &'a PgRow) -> Self {
        Self::of(Cells::Postgres(row), 0)
    }

    fn of(cells: Cells<'a>, first: usize) -> Self {
        Self { cells, first, next: Cell::new(first) }
    }

    /// The record that begins with the column at `first`, of a statement that joins several tables.
    pub(in crate::store) fn from(&self, first: usize) -> Self {
        Self::of(self.cells, first)
    }

    fn index(&self, column: &'static str) -> Result<usize> {
        let guess = self.next.get();
        let index = if self.cells.is_named(guess, column) {
            guess
        } else {
            let found = (self.first..self.cells.len()).find(|index| self.cells.is_named(*index, column));
            found.ok_or_else(|| damaged(column, "the statement has no such column"))?
        };
        self.next.set(index + 1);
        Ok(index)
    }

    fn text(&self, column: &'static str) -> Result<Option<&str>> {
        let index = self.index(column)?;
        match self.cells {
            Cells::Sqlite(row) => {
                let cell = row.get_ref(index).map_err(|error| damaged(column, error))?;
                cell.as_str_or_null().map_err(|error| damaged(column, error))
            }
            Cells::Postgres(row) => row.try_get(index).map_err(|error| damaged(column, error)),
        }
    }

    fn number(&self, column: &'static str) -> Result<Option<i64>> {
        let index = self.index(column)?;
        match self.cells {
            Cells::Sqlite(row) => {
                let cell = row.get_ref(index).map_err(|error| damaged(column, error))?;
                cell.as_i64_or_null().map_err(|error| damaged(column, error))
            }
            Cells::Postgres(row) => row.try_get(index).map_err(|error| damaged(column, error)),
        }
    }
}

/// The column at `index`, whichever it is.
pub(in crate::store) fn value(row: &Row<'_>, index: usize, number: bool) -> Result<Value> {
    const COLUMN: &str = "column";
    match (&row.cells, number) {
        (Cells::Sqlite(row), true) => row.get(index).map(Value::Number).map_err(|error| damaged(COLUMN, error)),
        (Cells::Sqlite(row), false) => row.get(index).map(Value::Text).map_err(|error| damaged(COLUMN, error)),
        (Cells::Postgres(row), true) => row.try_get(index).map(Value::Number).map_err(|error| damaged(COLUMN, error)),
        (Cells::Postgres(row), false) => row.try_get(index).map(Value::Text).map_err(|error| damaged(COLUMN, error)),
    }
}

fn damaged(what: &'static str, why: impl Display) -> Error {
    Error::Damaged { what, why: why.to_string() }
}

fn null(column: &'static str) -> Error {
    damaged(column, "it is null")
}

fn some_text<'a>(row: &'a Row<'_>, column: &'static str) -> Result<&'a str> {
    row.text(column)?.ok_or_else(|| null(column))
}

pub(in crate::store) fn text(row: &Row<'_>, column: &'static str) -> Result<String> {
    some_text(row, column).map(str::to_owned)
}

pub(in crate::store) fn text_or_null(row: &Row<'_>, column: &'static str) -> Result<Option<String>> {
    Ok(row.text(column)?.map(str::to_owned))
}

/// Whether the column has a value.
pub(in crate::store) fn is_there(row: &Row<'_>, column: &'static str) -> Result<bool> {
    Ok(row.text(column)?.is_some())
}

pub(in crate::store) fn number(row: &Row<'_>, column: &'static str) -> Result<i64> {
    row.number(column)?.ok_or_else(|| null(column))
}

pub(in crate::store) fn count(row: &Row<'_>, column: &'static str) -> Result<u64> {
    u64::try_from(number(row, column)?).map_err(|error| damaged(column, error))
}

pub(in crate::store) fn flag(row: &Row<'_>, column: &'static str) -> Result<bool> {
    Ok(number(row, column)? != 0)
}

pub(in crate::store) fn bytes(row: &Row<'_>, column: &'static str) -> Result<ByteCount> {
    ByteCount::new(count(row, column)?).map_err(|error| damaged(column, error))
}

pub(in crate::store) fn time(row: &Row<'_>, column: &'static str) -> Result<Timestamp> {
    Timestamp::from_microsecond(number(row, column)?).map_err(|error| damaged(column, error))
}

pub(in crate::store) fn time_or_null(row: &Row<'_>, column: &'static str) -> Result<Option<Timestamp>> {
    let micros = row.number(column)?;
    micros.map(Timestamp::from_microsecond).transpose().map_err(|error| damaged(column, error))
}

/// A column that holds an id or a name.
pub(in crate::store) fn parsed<T: FromStr<Err: Display>>(row: &Row<'_>, column: &'static str) -> Result<T> {
    some_text(row, column)?.parse().map_err(|error| damaged(column, error))
}

pub(in crate::store) fn parsed_or_null<T: FromStr<Err: Display>>(
    row: &Row<'_>,
    column: &'static str,
) -> Result<Option<T>> {
    row.text(column)?.map(str::parse).transpose().map_err(|error| damaged(column, error))
}

/// A column that holds JSON.
pub(in crate::store) fn json<T: DeserializeOwned>(row: &Row<'_>, column: &'static str) -> Result<T> {
    serde_json::from_str(some_text(row, column)?).map_err(|error| damaged(column, error))
}

pub(in crate::store) fn json_or_null<T: DeserializeOwned>(row: &Row<'_>, column: &'static str) -> Result<Option<T>> {
    let text = row.text(column)?;
    text.map(serde_json::from_str).transpose().map_err(|error| damaged(column, error))
}

pub(in crate::store) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("records have text keys and no failing parts")
}

pub(in crate::store) fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}
