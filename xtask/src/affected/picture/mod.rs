//! `--graph`: how the change reaches the jobs, as an SVG picture. Pure, and the same plan gives the same bytes.
//!
//! [`nodes`] gathers what is on a way from a changed path to a job, [`layers`] gives each a column and a row and folds
//! what is too many, [`svg`] draws.

pub mod layers;
pub mod nodes;
pub mod svg;

#[cfg(test)]
mod tests;
