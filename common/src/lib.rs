//! What every Ashlar driver and the volume service build on.
//!
//! Start at [`driver`] to write a driver, at `manager` to follow what becomes of a request, and at
//! `ARCHITECTURE.md` for the whole. Drivers see only [`driver`], [`stats`], [`exec`], [`bytes`], [`image`] and the unit
//! and id types; their `main.rs` calls `host`.

pub mod bytes;
pub mod chain;
pub mod config;
pub mod connector;
pub mod driver;
pub mod exec;
pub mod findings;
pub mod host;
pub mod ids;
pub mod image;
pub mod manager;
pub mod points;
pub mod scheduler;
pub mod state;
pub mod stats;
pub mod store;
pub mod units;
pub mod wakeup;
