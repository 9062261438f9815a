//! Snapshots, and volumes from them.

mod create;
mod delete;
mod thin;

pub(crate) use create::{create, inspect, snapshot, snapshot_tags, there};
pub(crate) use delete::delete;
pub(crate) use thin::{finish_swap, revert, share};

/// The intent of a snapshot that is one of several: it counts only when all are there.
pub(crate) const GROUP: &str = "group";
