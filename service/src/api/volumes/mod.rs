//! Volumes.

pub(crate) mod action;
pub(crate) mod actions;
pub(crate) mod connections;
pub(crate) mod create;
pub(crate) mod edit;
mod hints;
pub(crate) mod list;
pub(crate) mod metadata;
pub(crate) mod show;
pub(crate) mod summary;
pub(crate) mod view;
