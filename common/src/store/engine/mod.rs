//! The two engines under the store's statements: SQLite for one machine, PostgreSQL for many.
//!
//! Every statement is written once, in the dialect that both speak ([`query`]). What differs is here: how a connection is
//! made, how a transaction begins, and who may write. Writers are serial on both engines, which is what makes placement
//! and the state machines safe without a thought; what they would lose in speed they get back by sharing durable commits
//! ([`writers`]).

mod batch;
mod commit;
pub(super) mod connection;
pub(super) mod location;
pub(super) mod postgres;
pub(super) mod query;
pub(super) mod readers;
pub(super) mod row;
pub(super) mod sqlite;
mod sqlite_file;
pub(super) mod turn;
mod undivided;
pub(super) mod value;
pub(super) mod writers;

pub(super) use connection::Connection;
pub(super) use query::query;
pub(super) use row::Row;
