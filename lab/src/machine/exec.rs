//! Has a program run in a machine as if it were this process: streams, signals and exit are passed on.

use std::{
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    sync::{Arc, Mutex, mpsc},
    thread,
};

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use super::{
    frame::{CHUNK, Exit, Frame, Kind, Start},
    machine::lock,
    pty,
};
use crate::error::{Error, Result};

/// What of this process's environment goes along: what cargo, nextest and this workspace's programs read.
const PASSED: &[&str] =
    &["ASHLAR_", "CARGO", "INSTA_", "LD_LIBRARY_PATH", "NEXTEST", "PROPTEST_", "RUST", "STORM_", "__RUST"];
const PASSED_WHOLE: &[&str] = &["CI", "HOME", "LAB", "LANG", "LOGNAME", "PATH", "TERM", "USER"];

/// A program to run, and how.
#[derive(Clone, Debug)]
pub struct Command {
    /// The program and its arguments.
    pub words: Vec<String>,
    /// Whether it has its machine for itself, as tests do.
    pub alone: bool,
    /// Whether it gets a terminal where this process has one.
    pub terminal: bool,
}

/// Runs it in a machine of the keeper at `socket`; the status that this process should end with: the program's own, or
/// 128 and the number of the signal that ended it.
///
/// # Errors
/// There is no keeper, or the machine died meanwhile: with what its kernel said last.
pub fn run(socket: &Path, command: &Command) -> Result<u8> {
    let asked = || Error::io(format!("cannot speak with the lab's keeper at {}", socket.display()));
    let line = UnixStream::connect(socket).map_err(asked())?;
    let terminal = if command.terminal { pty::size(io::stdin()) } else { None };
    let here = std::env::current_dir().map_err(Error::io("cannot tell the working directory"))?;
    let start = Start {
        words: command.words.clone(),
        environment: environment(),
        directory: here.to_string_lossy().into_owned(),
        alone: command.alone,
        terminal,
    };
    let frame = Frame::document(Kind::Start, 0, &start).map_err(asked())?;
    frame.write(&mut &line).map_err(asked())?;
    let sending = Arc::new(Mutex::new(line.try_clone().map_err(asked())?));
    pass_signals(&sending).map_err(Error::io("signals cannot be handled"))?;
    let raw = terminal.map(|_| pty::Raw::input()).transpose().map_err(Error::io("cannot set the terminal"))?;
    let (tell, taken) = mpsc::channel();
    thread::spawn(move || pass_input(&sending, &taken));
    let exit = receive(line, &tell);
    drop(raw);
    let exit = exit?;
    if let Some(note) = exit.note {
        let _nobody_reads = writeln!(io::stderr(), "ashlar-lab: {note}");
    }
    Ok(exit.status)
}

fn receive(mut line: UnixStream, taken: &mpsc::Sender<()>) -> Result<Exit> {
    loop {
        let frame = Frame::read(&mut line).map_err(Error::io("the lab's keeper is gone"))?;
        match frame.kind {
            // Who gave this process a pipe and closed it wants no more of it.
            Kind::Output => drop(io::stdout().write_all(&frame.payload).and_then(|()| io::stdout().flush())),
            Kind::Errors => drop(io::stderr().write_all(&frame.payload)),
            Kind::Taken => drop(taken.send(())),
            Kind::Exit => return frame.parse().map_err(Error::io("the machine's agent is of another version")),
            Kind::Lost => return Err(Error::Lost(String::from_utf8_lossy(&frame.payload).into_owned())),
            Kind::Start | Kind::Input | Kind::InputEnd | Kind::Signal | Kind::Ping | Kind::Read => {}
        }
    }
}

fn pass_input(line: &Mutex<UnixStream>, taken: &mpsc::Receiver<()>) {
    let mut buffer = vec![0; CHUNK];
    while let Ok(read @ 1..) = io::stdin().read(&mut buffer) {
        let sent = Frame::new(Kind::Input, 0, &buffer[..read]).write(&mut *lock(line));
        if sent.is_err() || taken.recv().is_err() {
            return;
        }
    }
    let _gone = Frame::new(Kind::InputEnd, 0, []).write(&mut *lock(line));
}

/// To the program's whole group, as a terminal or nextest does.
fn pass_signals(line: &Arc<Mutex<UnixStream>>) -> io::Result<()> {
    for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM] {
        let (mut came, wakes) = UnixStream::pair()?;
        signal_hook::low_level::pipe::register(signal, wakes)?;
        let line = Arc::clone(line);
        let number = u8::try_from(signal).map_err(|_| io::ErrorKind::InvalidInput)?;
        thread::spawn(move || {
            while came.read_exact(&mut [0]).is_ok() {
                let _gone = Frame::new(Kind::Signal, 0, [number]).write(&mut *lock(&line));
            }
        });
    }
    Ok(())
}

fn environment() -> Vec<(String, String)> {
    let own =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    own.filter(|(name, _)| is_passed(name)).collect()
}

fn is_passed(name: &str) -> bool {
    PASSED_WHOLE.contains(&name) || PASSED.iter().any(|beginning| name.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::is_passed;

    #[test]
    fn what_tests_read_goes_along() {
        for name in ["PATH", "CARGO_MANIFEST_DIR", "NEXTEST_EXECUTION_MODE", "ASHLAR_CONFORMANCE", "RUST_BACKTRACE"] {
            assert!(is_passed(name), "{name}");
        }
        for name in ["TMPDIR", "PATHOLOGY", "SSH_AUTH_SOCK", "AWS_SECRET_ACCESS_KEY"] {
            assert!(!is_passed(name), "{name}");
        }
    }
}
