//! A simulation of Ashlar: API processes, hosts and backends in one thread, under virtual time, from one seed.
//!
//! What runs is the product's own code: request side, scheduler, host side and store (SQLite, in memory). What is simulated
//! is everything around it: time, ids, the backends, wake-ups, the connection to the store, and death. After each step
//! the laws of [`check`] are held against all that is committed. See README.md for how to replay a seed.

mod api;
mod backend;
mod check;
mod client;
mod fabric;
mod host;
mod observer;
pub mod plan;
pub mod planted;
mod process;
pub mod run;
pub mod shrink;
mod slot;
mod surroundings;
mod trace;
mod wire;
mod world;
