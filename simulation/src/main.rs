//! `cargo run -p ashlar-simulation -- --seed N`: runs worlds, and says of the first that breaks a law how to see it again.

mod command;
mod progress;

use std::process::ExitCode;

use clap::Parser;

fn main() -> anyhow::Result<ExitCode> {
    command::Command::parse().run()
}
