//! Runs outside programs one after another: one quiet line for each, all output in a log, a limit on time and output.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use anstyle::{AnsiColor, Style};
use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use rustix::process::{Pid, Signal, kill_process};
use xshell::Cmd;

use crate::terminal;

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const POLL: Duration = Duration::from_millis(50);
/// What a program gets between the request to end and its end.
const GRACE: Duration = Duration::from_secs(15);
const HEARTBEAT: Duration = Duration::from_secs(60);
const LARGEST_LOG: u64 = 256 << 20;
const TAIL_LINES: usize = 60;
const TAIL_BYTES: u64 = 16 << 10;

/// A sequence of steps with their logs.
pub struct Steps {
    logs: PathBuf,
    plain: bool,
    at: usize,
    of: usize,
}

/// What came of a step.
#[derive(Debug)]
pub struct Ran {
    /// Whether the program ended by itself with status 0.
    pub success: bool,
    /// From start to end.
    pub elapsed: Duration,
    /// All that it printed.
    pub log: PathBuf,
}

impl Steps {
    /// Steps that log below `logs`; `plain` for readers that are no terminal.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn new(logs: PathBuf, plain: bool) -> Result<Self> {
        std::fs::create_dir_all(&logs).with_context(|| format!("cannot make {}", logs.display()))?;
        Ok(Self { logs, plain, at: 0, of: 0 })
    }

    /// Numbers the coming steps from 1 to `count`.
    pub fn expect(&mut self, count: usize) {
        (self.at, self.of) = (0, count);
    }

    /// Says something between steps.
    pub fn note(&self, text: &str) {
        terminal::print(&format!("       {text}\n"));
    }

    /// Runs one program to its end, or to its limit; on failure the end of its log is printed.
    ///
    /// # Errors
    /// The program cannot be started, or its log cannot be written.
    pub fn run(&mut self, title: &str, command: Cmd<'_>, limit: Duration) -> Result<Ran> {
        self.at += 1;
        let counted = if self.of == 0 { title.to_owned() } else { format!("[{}/{}] {title}", self.at, self.of) };
        let log = self.logs.join(format!("{}.log", file_name(title)));
        let written = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let shown = command.to_string();
        let mut command = Command::from(command);
        command.stdin(Stdio::null()).stdout(written.try_clone()?).stderr(written);
        let started = Instant::now();
        let child = command.spawn().with_context(|| format!("cannot start `{shown}`"))?;
        let ended = self.wait(child, &counted, &log, limit)?;
        let elapsed = started.elapsed();
        let success = matches!(&ended, Ended::Itself(status) if status.success());
        let (word, style) = if success { ("ok", GOOD) } else { ("FAILED", BAD) };
        terminal::print(&format!("{style}{word:<6}{style:#} {counted:<44} {:>7.1} s\n", elapsed.as_secs_f64()));
        if !success {
            terminal::print(&format!(
                "{}\n`{shown}` {}; all of it: {}\n\n",
                tail(&log),
                ended.told(limit),
                log.display()
            ));
        }
        Ok(Ran { success, elapsed, log })
    }

    fn wait(&self, mut child: Child, title: &str, log: &Path, limit: Duration) -> Result<Ended> {
        let bar = if self.plain { ProgressBar::hidden() } else { spinner(title) };
        let started = Instant::now();
        let mut heartbeat = HEARTBEAT;
        let ended = loop {
            if let Some(status) = child.try_wait()? {
                break Ended::Itself(status);
            }
            if started.elapsed() > limit {
                break Ended::TooLong;
            }
            if std::fs::metadata(log).is_ok_and(|log| log.len() > LARGEST_LOG) {
                break Ended::TooLoud;
            }
            if self.plain && started.elapsed() > heartbeat {
                terminal::print(&format!("...    {title:<44} {:>7} s\n", heartbeat.as_secs()));
                heartbeat += HEARTBEAT;
            }
            bar.tick();
            std::thread::sleep(POLL);
        };
        bar.finish_and_clear();
        if !matches!(ended, Ended::Itself(_)) {
            end(&mut child)?;
        }
        Ok(ended)
    }
}

enum Ended {
    Itself(ExitStatus),
    TooLong,
    TooLoud,
}

impl Ended {
    fn told(&self, limit: Duration) -> String {
        match self {
            Self::Itself(status) => format!("ended with {status}"),
            Self::TooLong => format!("was ended after its limit of {} s", limit.as_secs()),
            Self::TooLoud => format!("was ended after printing more than {} MiB", LARGEST_LOG >> 20),
        }
    }
}

/// Asks first: nextest then ends its tests, which are no children of ours.
fn end(child: &mut Child) -> Result<()> {
    let asked = Instant::now();
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _gone_already = kill_process(pid, Signal::TERM);
    }
    while asked.elapsed() < GRACE {
        if child.try_wait()?.is_some() {
            return Ok(());
        }
        std::thread::sleep(POLL);
    }
    child.kill()?;
    child.wait()?;
    Ok(())
}

fn spinner(title: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner}      {msg:44} {elapsed:>9}") {
        bar.set_style(style);
    }
    bar.set_message(title.to_owned());
    bar
}

fn file_name(title: &str) -> String {
    let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
    title.replace(": ", "-").chars().map(letter).collect()
}

/// The last lines of a log, bounded in lines and bytes.
fn tail(log: &Path) -> String {
    let read = || -> std::io::Result<String> {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
        let mut bytes = Vec::new();
        file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_else(|error| format!("the log cannot be read: {error}"));
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].iter().map(|line| format!("  | {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use xshell::{Shell, cmd};

    use super::Steps;

    fn run(script: &str, limit: Duration) -> (bool, String) {
        let folder = tempfile::tempdir().unwrap();
        let mut steps = Steps::new(folder.path().join("logs"), true).unwrap();
        let shell = Shell::new().unwrap();
        let ran = steps.run("a: step", cmd!(shell, "sh -c {script}"), limit).unwrap();
        (ran.success, std::fs::read_to_string(ran.log).unwrap())
    }

    #[test]
    fn both_streams_reach_the_log_and_the_status_is_kept() {
        let minute = Duration::from_secs(60);
        assert_eq!(run("echo out; echo err >&2", minute), (true, "out\nerr\n".to_owned()));
        assert_eq!(run("echo no; exit 3", minute), (false, "no\n".to_owned()));
    }

    #[test]
    fn a_program_without_end_is_ended() {
        assert_eq!(run("exec sleep 600", Duration::from_millis(10)), (false, String::new()));
    }
}
