//! Machines without `cargo xtask lab`: for tests of this crate, which kill keepers, runners and machines.
//!
//! `keep FOLDER MACHINES` keeps some until its input ends, and says when they are there; `exec SOCKET PROGRAM..` has a
//! program run in one; `agent LINE` is what runs it, inside.

use std::{
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use ashlar_lab::{
    Error,
    machine::{Config, Pool, exec, serve},
};

const WRONG_USE: u8 = 2;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().collect();
    let done = match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [_, "agent", line] => serve(Path::new(line)).map(|()| 0).map_err(|error| error.to_string()),
        [program, "keep", folder, machines] => {
            keep(program, Path::new(folder), machines.parse().unwrap_or(1)).map_err(|error| error.to_string())
        }
        [_, "exec", socket, ..] => {
            let command = exec::Command { words: words[3..].to_vec(), alone: true, terminal: false };
            exec::run(Path::new(socket), &command).map_err(|error| error.to_string())
        }
        _ => Err("see the source for what it takes".to_owned()),
    };
    match done {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            let _nobody_reads = writeln!(io::stderr(), "{error}");
            ExitCode::from(WRONG_USE)
        }
    }
}

fn keep(program: &str, folder: &Path, machines: usize) -> Result<u8, Error> {
    let config = Config {
        within: folder.join("lab"),
        agent: [program, "agent"].map(str::to_owned).to_vec(),
        writable: vec![PathBuf::from(folder)],
        memory_mib: 512,
    };
    let pool = Pool::raise(config, machines)?;
    let _nobody_reads = writeln!(io::stdout(), "{}", pool.socket().display());
    let _end = io::stdin().read_to_end(&mut Vec::new());
    Ok(0)
}
