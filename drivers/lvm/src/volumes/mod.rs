//! Volumes: made, found, grown and removed.

mod create;
mod delete;
mod extend;
pub(crate) mod find;
mod making;

pub(crate) use create::create;
pub(crate) use delete::{bury, check_no_snapshots, delete};
pub(crate) use extend::extend;
pub(crate) use find::{SWAP, hidden, inspect, list, need, present};
pub(crate) use making::there;
