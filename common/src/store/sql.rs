//! A statement put together of pieces, its values as numbered parameters: the form that both dialects take.

use std::fmt::Write;

use sqlx::{
    Any, Arguments, AssertSqlSafe,
    any::{AnyArguments, AnyRow},
    encode::Encode,
    types::Type,
};

use super::{error::Result, tx::Tx};

/// A statement in the making. Texts are constants of this program; whatever came from outside is bound.
pub(super) struct Sql {
    text: String,
    values: AnyArguments,
}

impl Sql {
    pub(super) fn new(text: &'static str) -> Self {
        Self { text: text.to_owned(), values: AnyArguments::default() }
    }

    pub(super) fn push(&mut self, text: &'static str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    pub(super) fn bind<T: Encode<'static, Any> + Type<Any>>(&mut self, value: T) -> &mut Self {
        self.values.add(value).expect("texts and numbers can always be encoded");
        write!(self.text, "${}", self.values.len()).expect("a string takes everything");
        self
    }

    pub(super) async fn fetch_all(self, tx: &mut Tx) -> Result<Vec<AnyRow>> {
        Ok(sqlx::query_with(AssertSqlSafe(self.text), self.values).fetch_all(tx.connection()).await?)
    }

    pub(super) async fn fetch_one(self, tx: &mut Tx) -> Result<AnyRow> {
        Ok(sqlx::query_with(AssertSqlSafe(self.text), self.values).fetch_one(tx.connection()).await?)
    }
}
