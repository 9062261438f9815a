//! The behavioural suite of the driver contract: what it asserts is what a certificate means.
//!
//! A driver's `tests/conformance.rs` gives a [`Subject`](subject::Subject) to [`suite::main`] and says there what the
//! driver can do; from then on a lost capability is a failure. Every case gets a fresh, empty backend and moves its bytes
//! the way a client would. What the cases are worth is shown on the in-memory driver of this crate, which passes all of
//! them, and on copies of it that are broken on purpose, each of which must be caught.

pub mod answers;
pub mod behaviour;
pub mod cases;
pub mod claims;
pub mod client;
pub mod contents;
pub mod faulty;
pub mod fill;
pub mod inventory;
pub mod lab;
pub mod memory;
mod model;
pub mod mutants;
mod offers;
pub mod outcome;
pub mod program;
pub mod qcow2;
pub mod race;
pub mod stage;
pub mod steps;
pub mod subject;
pub mod suite;
