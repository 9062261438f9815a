//! A statement with its values, as numbered parameters: the form that both dialects take.

use std::{borrow::Cow, fmt::Write};

use super::{row::Row, value::Value};
use crate::store::{
    error::{Error, Result},
    tx::Tx,
};

/// A statement in the making. Texts are constants of this program; whatever came from outside is bound.
#[derive(Clone, Debug)]
pub(in crate::store) struct Query {
    pub(super) text: Cow<'static, str>,
    pub(super) values: Vec<Value>,
}

/// A statement whose parameters are `$1`, `$2` and so on.
pub(in crate::store) fn query(text: impl Into<Cow<'static, str>>) -> Query {
    Query { text: text.into(), values: Vec::new() }
}

/// The columns of a table, each with the name that the table has in a statement that joins several.
pub(in crate::store) fn columns_of(table: &str, columns: &str) -> String {
    format!("{table}.{}", columns.replace(", ", &format!(", {table}.")))
}

impl Query {
    /// Gives the next parameter its value.
    pub(in crate::store) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Adds to the text.
    pub(in crate::store) fn push(&mut self, text: &'static str) -> &mut Self {
        self.text.to_mut().push_str(text);
        self
    }

    /// Adds a name to the text, as the schema has it: never what came from outside.
    pub(in crate::store) fn push_text(&mut self, name: &str) -> &mut Self {
        self.text.to_mut().push_str(name);
        self
    }

    /// Adds a parameter with its value to the text.
    pub(in crate::store) fn push_bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        write!(self.text.to_mut(), "${}", self.values.len()).expect("a string takes everything");
        self
    }

    /// Adds parameters with their values to the text, with commas between: for `IN (...)`.
    pub(in crate::store) fn push_list(&mut self, values: impl IntoIterator<Item = impl Into<Value>>) -> &mut Self {
        for (index, value) in values.into_iter().enumerate() {
            self.push(if index == 0 { "" } else { ", " }).push_bind(value);
        }
        self
    }

    /// Its text.
    pub(in crate::store) fn text(&self) -> &str {
        &self.text
    }

    /// Gives it another text for the same values.
    pub(in crate::store) fn replace_text(&mut self, text: Cow<'static, str>) {
        self.text = text;
    }

    /// Runs it; says how many rows it touched.
    pub(in crate::store) async fn execute(self, tx: &mut Tx) -> Result<u64> {
        let sent = tx.sent(self);
        tx.connection()?.execute(&sent).await
    }

    /// Runs it where nobody asks how many rows it touched. What it fails with may come with a later statement of the
    /// transaction, its commit at the latest: not for what callers tell apart.
    pub(in crate::store) async fn run(self, tx: &mut Tx) -> Result<()> {
        let sent = tx.sent(self);
        tx.run(sent).await
    }

    /// Every row.
    pub(in crate::store) async fn fetch_all<T>(
        self,
        tx: &mut Tx,
        from_row: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let sent = tx.sent(self);
        tx.fetch(&sent, from_row).await
    }

    /// The first row, if there is one.
    pub(in crate::store) async fn fetch_optional<T>(
        self,
        tx: &mut Tx,
        from_row: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        Ok(self.fetch_all(tx, from_row).await?.into_iter().next())
    }

    /// The one row of a statement that always has one.
    pub(in crate::store) async fn fetch_one<T>(
        self,
        tx: &mut Tx,
        from_row: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<T> {
        let missing = || Error::Damaged { what: "statement", why: "it gave no row".to_owned() };
        self.fetch_optional(tx, from_row).await?.ok_or_else(missing)
    }
}
