//! A model of a backend with its driver: pure contents, and calls that take virtual time and go wrong.

pub(crate) mod content;
pub(crate) mod driver;
pub(crate) mod effect;
pub(crate) mod turn;
