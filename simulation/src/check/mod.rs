//! The laws: what must be true after every step, and what must be true when all has come to rest.

pub(crate) mod capacity;
pub(crate) mod effects;
pub(crate) mod log;
pub(crate) mod records;
pub(crate) mod rest;
pub(crate) mod told;

/// What was found broken, a sentence each.
pub(crate) type Broken = Vec<String>;
