//! A real PostgreSQL server, from the programs of Debian's package.
//!
//! [`Server`] is one's own: raised in a second, killed and paused as the test likes. [`shared`] is for tests that only
//! need a database: each takes a fresh one with [`database`].

mod address;
mod database;
mod install;
mod pidfile;
pub(crate) mod place;
mod server;
mod settings;
mod shared;
mod standing;

pub use address::Address;
pub use database::Database;
pub use install::{Install, PACKAGE};
pub use server::{Server, Stop};
pub use settings::Settings;
pub use shared::{asked_for, database, shared};
pub use standing::{Postgres, Standing};
