//! `cargo xtask gate`: whether the jobs that a plan demanded ran, and passed.

pub mod command;
pub mod judge;
pub mod render;
pub mod reports;

#[cfg(test)]
mod tests;
