//! The store: records, the operation log, and what hosts report. All that passes between the API and the hosts.
//!
//! SQLite in a file by default, for one machine, or PostgreSQL for many: one set of statements for both ([`engine`]). A
//! transaction that was committed survives a power loss, and transactions that end at once share what that costs.

pub mod attachments;
mod engine;
pub mod error;
pub mod findings;
pub mod hosts;
pub mod listing;
mod marks;
pub mod members;
pub mod messages;
pub mod open;
pub mod operations;
pub mod pool_use;
pub mod records;
pub mod schema;
pub mod snapshots;
pub mod surroundings;
pub mod tx;
pub mod types;
pub mod upkeep;
pub mod volumes;

pub use engine::location::{Location, PostgresLocation};
pub(crate) use engine::postgres::wire::Wire;
pub use error::Error;
pub use open::Store;
pub use surroundings::{Clock, Director, Fate, Link, Simulated, Surroundings};
pub use tx::Tx;

#[cfg(test)]
mod tests;
