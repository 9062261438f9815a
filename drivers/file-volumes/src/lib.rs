//! Volumes as files: what the drivers whose backend is a directory share.
//!
//! A [`FileStore`] is one directory, which a driver shows as one pool. It holds volumes, snapshots and attachments as
//! files whose names are computed from ids alone, and keeps the clauses of [`ashlar_common::driver::Driver`]. `store`
//! has the type and its opening, and then there is one file an operation; `stage` is how things appear whole or not
//! at all, `lock` how operations on one volume keep out of each other's way.
//!
//! Invariants:
//! - Everything below the directory is opened through `root`, which follows no symbolic link and never leaves it.
//! - An object is a directory that is made in `tmp/` and renamed to its place, and leaves by a rename to `tmp/`.
//! - What is in `tmp/` and not locked by a living process was left by a dead one, and is removed.

mod attach;
mod error;
mod fill;
mod images;
mod layout;
mod lock;
mod probe;
mod record;
mod root;
mod snapshots;
mod stage;
mod store;
mod volumes;

pub use attach::Export;
pub use error::Error;
pub use store::{FileStore, Options};
