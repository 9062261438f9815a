//! Sequences of calls at random against a model of the contract.
//!
//! [`rules`] states the clauses as transitions of a [`world`], without a driver; [`sequence`] draws sequences that run
//! into them; [`player`] plays one on a real backend and compares every answer, the inventory and the bytes that clients
//! see; [`search`] plays many, and makes the shortest of one that fails. Where an outcome is not known (a lost answer, a
//! killed host, calls at once), the model keeps every world that may be, and the next look leaves those that are so.

pub(crate) mod call;
pub(crate) mod content;
pub(crate) mod player;
pub(crate) mod rules;
pub(crate) mod search;
pub(crate) mod sequence;
#[cfg(test)]
mod tests;
pub(crate) mod world;
