//! Whether drivers keep the contract: runs each driver's conformance test and the controls, and judges by the results.
//!
//! [`found`] asks the workspace which drivers there are, [`results`] reads what the suite wrote, [`judge`] compares it with
//! what was to be run, [`features`] says what the cases come to in the words of Cinder's minimum features, and [`text`],
//! [`json`] and [`junit`] show it.

pub mod command;
pub mod features;
pub mod found;
pub mod json;
pub mod judge;
pub mod junit;
pub mod listed;
pub mod mutants;
pub mod results;
pub mod run;
pub mod text;

#[cfg(test)]
mod tests;
