//! The store: records, the operation log, and what hosts report. All that passes between the API and the hosts.
//!
//! SQLite in a file by default; the SQL is kept to what PostgreSQL speaks too. A transaction that was committed
//! survives a power loss: the write-ahead log is synced at each commit.

pub mod attachments;
pub mod error;
pub mod hosts;
pub mod listing;
pub mod messages;
pub mod open;
pub mod operations;
pub mod records;
mod row;
pub mod snapshots;
mod sql;
mod turn;
pub mod tx;
pub mod types;
pub mod volumes;

pub use error::Error;
pub use open::Store;
pub use tx::Tx;

#[cfg(test)]
mod tests;
