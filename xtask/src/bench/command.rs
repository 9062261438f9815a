//! The command line of `bench`.

use std::path::Path;

use anyhow::Result;
use clap::Args;

/// Measures
#[derive(Args, Debug)]
pub struct Bench {}

impl Bench {
    /// x
    ///
    /// # Errors
    /// x
    pub fn run(&self, _directory: &Path) -> Result<bool> {
        Ok(true)
    }
}
