//! The agent of machines, for tests of this crate; `cargo xtask lab` is its own.

use std::{path::Path, process::ExitCode};

fn main() -> ExitCode {
    let line = std::env::args_os().nth(1);
    match line.map(|line| ashlar_lab::machine::serve(Path::new(&line))) {
        Some(Ok(())) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
