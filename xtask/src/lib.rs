//! The workspace's own tools, one module for each command of `cargo xtask`.
//!
//! [`affected`] says which jobs a change needs, [`gate`] whether they passed, [`ci`] runs them in between, [`test`] runs
//! everything. What they share: [`step`] runs programs, [`prerequisites`] and [`venvs`] provide them, [`stop`] ends them,
//! [`terminal`] prints, [`itself`] is this program's place. Modules that decide are plain functions of their arguments.

pub mod affected;
pub mod affected_bench;
pub mod audit;
pub mod bench;
pub mod ci;
pub mod compliance;
pub mod drivers;
pub mod environment;
pub mod evidence;
pub mod examples;
pub mod gate;
pub mod itself;
pub mod lab;
pub mod prerequisites;
pub mod step;
pub mod stop;
pub mod storm;
pub mod terminal;
pub mod test;
pub mod trace;
pub mod up;
pub mod venvs;

#[cfg(test)]
mod tidy;
