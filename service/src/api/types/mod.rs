//! Volume types.

pub(crate) mod edit;
pub(crate) mod extra_specs;
mod find;
pub(crate) mod list;
pub(crate) mod view;

pub(crate) use find::find;
