//! Reading columns into types.

use std::{fmt::Display, str::FromStr};

use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{Row, any::AnyRow};

use super::error::{Error, Result};
use crate::units::ByteCount;

fn damaged(what: &'static str, why: impl Display) -> Error {
    Error::Damaged { what, why: why.to_string() }
}

pub(super) fn text(row: &AnyRow, column: &'static str) -> Result<String> {
    Ok(row.try_get(column)?)
}

pub(super) fn text_or_null(row: &AnyRow, column: &'static str) -> Result<Option<String>> {
    Ok(row.try_get(column)?)
}

pub(super) fn number(row: &AnyRow, column: &'static str) -> Result<i64> {
    Ok(row.try_get(column)?)
}

pub(super) fn count(row: &AnyRow, column: &'static str) -> Result<u64> {
    u64::try_from(number(row, column)?).map_err(|error| damaged(column, error))
}

pub(super) fn flag(row: &AnyRow, column: &'static str) -> Result<bool> {
    Ok(number(row, column)? != 0)
}

pub(super) fn bytes(row: &AnyRow, column: &'static str) -> Result<ByteCount> {
    ByteCount::new(count(row, column)?).map_err(|error| damaged(column, error))
}

pub(super) fn time(row: &AnyRow, column: &'static str) -> Result<Timestamp> {
    Timestamp::from_microsecond(number(row, column)?).map_err(|error| damaged(column, error))
}

pub(super) fn time_or_null(row: &AnyRow, column: &'static str) -> Result<Option<Timestamp>> {
    let micros: Option<i64> = row.try_get(column)?;
    micros.map(Timestamp::from_microsecond).transpose().map_err(|error| damaged(column, error))
}

/// A column that holds an id or a name.
pub(super) fn parsed<T: FromStr<Err: Display>>(row: &AnyRow, column: &'static str) -> Result<T> {
    text(row, column)?.parse().map_err(|error| damaged(column, error))
}

pub(super) fn parsed_or_null<T: FromStr<Err: Display>>(row: &AnyRow, column: &'static str) -> Result<Option<T>> {
    text_or_null(row, column)?.map(|text| text.parse()).transpose().map_err(|error| damaged(column, error))
}

/// A column that holds JSON.
pub(super) fn json<T: DeserializeOwned>(row: &AnyRow, column: &'static str) -> Result<T> {
    serde_json::from_str(&text(row, column)?).map_err(|error| damaged(column, error))
}

pub(super) fn json_or_null<T: DeserializeOwned>(row: &AnyRow, column: &'static str) -> Result<Option<T>> {
    let text = text_or_null(row, column)?;
    text.map(|text| serde_json::from_str(&text)).transpose().map_err(|error| damaged(column, error))
}

pub(super) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("records have text keys and no failing parts")
}

pub(super) fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}
