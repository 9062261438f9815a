//! LVM's shell, kept for the questions of one process: to start LVM costs ten times what it takes to answer.

use std::{
    io::{self, Read, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Stdio},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::tools::lvm_with;
use crate::{
    error::{Error, Result},
    program::readable_within,
};

/// The longest time for an answer.
const LIMIT: Duration = Duration::from_secs(60);
/// A command whose output is known, asked last of all: where its last line is, all the others have ended.
const LAST: &str = "version";
const LAST_LINE: &str = "  Configuration:";
const LARGEST_ANSWER: usize = 1 << 20;

/// One shell, which is started when it is first asked, and anew after it failed.
#[derive(Debug, Default)]
pub(super) struct Shell(Mutex<Option<Running>>);

#[derive(Debug)]
struct Running {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
}

impl Shell {
    /// The lines that these commands print, with the settings in `directory`. What fails prints none.
    pub(super) fn ask(&self, directory: &Path, commands: &[String]) -> Result<Vec<String>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut running = match kept.take() {
            Some(running) => running,
            None => Running::start(directory)?,
        };
        let lines = running.ask(commands).map_err(Error::io("LVM's shell does not answer"))?;
        *kept = Some(running);
        Ok(lines)
    }
}

impl Running {
    fn start(directory: &Path) -> Result<Self> {
        let streams = [Stdio::piped(), Stdio::piped(), Stdio::null()];
        let started = lvm_with(directory)?.start(streams, false);
        let mut child = started.map_err(Error::io("cannot start LVM's shell"))?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(input), Some(output)) => Ok(Self { child, input, output }),
            _ => Err(Error::io("cannot start LVM's shell")(io::ErrorKind::BrokenPipe)),
        }
    }

    fn ask(&mut self, commands: &[String]) -> io::Result<Vec<String>> {
        let text: String = commands.iter().map(|command| format!("{command}\n")).collect();
        self.input.write_all(format!("{text}{LAST}\n").as_bytes())?;
        let (mut said, mut part) = (Vec::new(), [0; 4096]);
        while !is_whole(&said) {
            if said.len() > LARGEST_ANSWER || !readable_within(&self.output, LIMIT)? {
                return Err(io::ErrorKind::TimedOut.into());
            }
            match self.output.read(&mut part)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => said.extend_from_slice(&part[..read]),
            }
        }
        Ok(String::from_utf8_lossy(&said).lines().map(|line| line.trim().to_owned()).collect())
    }
}

fn is_whole(said: &[u8]) -> bool {
    let text = String::from_utf8_lossy(said);
    text.ends_with('\n') && text.lines().next_back().is_some_and(|line| line.starts_with(LAST_LINE))
}

impl Drop for Running {
    /// Between two answers it holds nothing.
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _ended = self.child.wait();
    }
}
