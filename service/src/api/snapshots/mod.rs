//! Snapshots.

pub(crate) mod action;
pub(crate) mod create;
pub(crate) mod edit;
pub(crate) mod list;
pub(crate) mod metadata;
pub(crate) mod view;
