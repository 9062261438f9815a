//! Connections: who may come in, how long each may keep the service waiting, and how they end.
//!
//! hyper reads and writes HTTP. What is here is what it leaves to its users: a bound on connections, and an end to
//! those whose client does not go on. Each connection has a [`Watch`](watch::Watch) that says whom it waits for; one task looks at all
//! of them a few times a second and closes what is overdue, so a request sets no timer. Bodies are paced where
//! they are read, in `api::gather`, since a client that is too slow there can still be told.
//!
//! Absent on purpose: anything about what is asked or answered.

mod connections;
mod listen;
mod pace;
mod serve;
mod stream;
mod watch;

pub use connections::Connections;
pub use listen::listen;
pub use serve::serve;

pub(crate) use pace::{Limits, Pace};
pub(crate) use watch::Watch;
