//! The workspace's own tools, one module for each command of `cargo xtask`.
//!
//! [`affected`] says which jobs a change needs, [`gate`] whether they passed, [`test`] runs everything. What they share: [`step`] runs programs,
//! [`prerequisites`] and [`clients`] provide them, [`terminal`] prints. Modules that decide are plain functions of their
//! arguments.

pub mod affected;
pub mod affected_bench;
pub mod bench;
pub mod clients;
pub mod gate;
pub mod prerequisites;
pub mod step;
pub mod terminal;
pub mod test;
pub mod up;

#[cfg(test)]
mod tidy;
