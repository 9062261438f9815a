//! Runs outside programs: one quiet line for each, all output in a log, a limit on time and output. Whoever asks this
//! program to stop ends them too.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anstyle::{AnsiColor, Style};
use anyhow::{Context, Result, bail};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use xshell::Cmd;

use crate::{
    stop::Stop,
    terminal,
    trace::{Traced, trace_until},
};

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const POLL: Duration = Duration::from_millis(50);
/// What a program gets between the request to end and its end.
const GRACE: Duration = Duration::from_secs(15);
const HEARTBEAT: Duration = Duration::from_secs(60);
/// Between two looks how far a step is.
const COUNT_AGAIN: Duration = Duration::from_millis(500);
const LARGEST_LOG: u64 = 256 << 20;
const TAIL_LINES: usize = 60;
const TAIL_BYTES: u64 = 16 << 10;

/// A sequence of steps with their logs. Steps that several threads run at once are counted in the order they begin.
pub struct Steps {
    logs: PathBuf,
    plain: bool,
    stop: Stop,
    bars: MultiProgress,
    at: AtomicUsize,
    of: AtomicUsize,
    /// Whether what is said goes to standard error, since the answer is the standard output.
    aside: bool,
    counted: Mutex<Option<(PathBuf, usize)>>,
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
    /// Steps that log below `logs` and end when `stop` is asked; `plain` for readers that are no terminal.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn new(logs: PathBuf, plain: bool, stop: Stop) -> Result<Self> {
        std::fs::create_dir_all(&logs).with_context(|| format!("cannot make {}", logs.display()))?;
        let (at, of, bars) = (AtomicUsize::new(0), AtomicUsize::new(0), MultiProgress::new());
        Ok(Self { logs, plain, stop, bars, at, of, aside: false, counted: Mutex::new(None) })
    }

    /// Says everything on standard error: the answer, on standard output, is for a program.
    #[must_use]
    pub fn on_standard_error(mut self) -> Self {
        self.aside = true;
        self
    }

    /// The steps that follow leave a file in this folder for each of so many things that they do: how many are done is
    /// shown. None: no more.
    pub fn count_files(&self, counted: Option<(PathBuf, usize)>) {
        *self.counted.lock().unwrap_or_else(PoisonError::into_inner) = counted;
    }

    /// `, 12 of 62`, where files are counted.
    fn done(&self) -> String {
        let counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((folder, of)) = counted.as_ref() else { return String::new() };
        let done = std::fs::read_dir(folder).map_or(0, Iterator::count);
        format!(", {done} of {of}")
    }

    /// Numbers the coming steps from 1 to `count`.
    pub fn expect(&self, count: usize) {
        self.at.store(0, Ordering::Relaxed);
        self.of.store(count, Ordering::Relaxed);
    }

    /// Says something between steps.
    pub fn note(&self, text: &str) {
        self.say(&format!("       {text}\n"));
    }

    /// The lines that move make room for it.
    fn say(&self, text: &str) {
        let print = if self.aside { terminal::complain } else { terminal::print };
        self.bars.suspend(|| print(text));
    }

    /// Runs one program to its end, or to its limit; on failure the end of its log is printed.
    ///
    /// # Errors
    /// The program cannot be started, its log cannot be written, or somebody asked to stop.
    pub fn run(&self, title: &str, command: Cmd<'_>, limit: Duration) -> Result<Ran> {
        self.one(title, command, limit, &self.stop)
    }

    /// The same for what must be done also after somebody asked to stop.
    ///
    /// # Errors
    /// The program cannot be started, or its log cannot be written.
    pub fn run_regardless(&self, title: &str, command: Cmd<'_>, limit: Duration) -> Result<Ran> {
        self.one(title, command, limit, &Stop::default())
    }

    /// Runs one program under the tracer and tells what it touched; otherwise as [`Self::run`].
    ///
    /// # Errors
    /// As there; or the program cannot be traced.
    pub fn traced(&self, title: &str, command: Cmd<'_>, limit: Duration) -> Result<(Ran, Traced)> {
        let (counted, log) = self.next(title);
        let shown = command.to_string();
        let mut progress = Progress::new(self, &counted);
        let started = Instant::now();
        let traced = trace_until(command.into(), &log, limit, || {
            progress.tick();
            self.stop.asked()
        });
        progress.end();
        let traced = traced.with_context(|| format!("cannot trace `{shown}`"))?;
        if self.stop.asked() {
            bail!("interrupted");
        }
        let ended = if traced.cut_short { Ended::TooLong } else { Ended::Itself(traced.status) };
        let ran = self.tell(&counted, &shown, &ended, limit, started.elapsed(), log);
        Ok((ran, traced))
    }

    /// The title with its number, and where the output goes.
    fn next(&self, title: &str) -> (String, PathBuf) {
        let (at, of) = (self.at.fetch_add(1, Ordering::Relaxed) + 1, self.of.load(Ordering::Relaxed));
        let counted = if of == 0 { title.to_owned() } else { format!("[{at}/{of}] {title}") };
        (counted, self.logs.join(format!("{}.log", file_name(title))))
    }

    fn one(&self, title: &str, command: Cmd<'_>, limit: Duration, stop: &Stop) -> Result<Ran> {
        let (counted, log) = self.next(title);
        let written = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let shown = command.to_string();
        let mut command = Command::from(command);
        command.stdin(Stdio::null()).stdout(written.try_clone()?).stderr(written);
        // A group of its own, so that ending it reaches all that it started.
        command.process_group(0);
        let started = Instant::now();
        let child = command.spawn().with_context(|| format!("cannot start `{shown}`"))?;
        let ended = self.wait(child, &counted, &log, limit, stop)?;
        if matches!(ended, Ended::Asked) {
            bail!("interrupted");
        }
        Ok(self.tell(&counted, &shown, &ended, limit, started.elapsed(), log))
    }

    /// Prints the line of a step that ended, and the end of its log where it failed.
    fn tell(&self, counted: &str, shown: &str, ended: &Ended, limit: Duration, elapsed: Duration, log: PathBuf) -> Ran {
        let success = matches!(ended, Ended::Itself(status) if status.success());
        let (word, style) = if success { ("ok", GOOD) } else { ("FAILED", BAD) };
        self.say(&format!("{style}{word:<6}{style:#} {counted:<44} {:>7.1} s\n", elapsed.as_secs_f64()));
        if !success {
            self.say(&format!("{}\n`{shown}` {}; all of it: {}\n\n", tail(&log), ended.told(limit), log.display()));
        }
        Ran { success, elapsed, log }
    }

    fn wait(&self, mut child: Child, title: &str, log: &Path, limit: Duration, stop: &Stop) -> Result<Ended> {
        let mut progress = Progress::new(self, title);
        let started = Instant::now();
        let ended = loop {
            if let Some(status) = child.try_wait()? {
                break Ended::Itself(status);
            }
            if stop.asked() {
                break Ended::Asked;
            }
            if started.elapsed() > limit {
                break Ended::TooLong;
            }
            if std::fs::metadata(log).is_ok_and(|log| log.len() > LARGEST_LOG) {
                break Ended::TooLoud;
            }
            progress.tick();
            std::thread::sleep(POLL);
        };
        progress.end();
        if !matches!(ended, Ended::Itself(_)) {
            end(&mut child)?;
        }
        Ok(ended)
    }
}

/// Shows that a step goes on: a line that moves, or a line each minute.
struct Progress<'s> {
    steps: &'s Steps,
    title: &'s str,
    bar: ProgressBar,
    started: Instant,
    heartbeat: Duration,
    told: Duration,
}

impl<'s> Progress<'s> {
    fn new(steps: &'s Steps, title: &'s str) -> Self {
        let bar = if steps.plain { ProgressBar::hidden() } else { steps.bars.add(spinner(title)) };
        Self { steps, title, bar, started: Instant::now(), heartbeat: HEARTBEAT, told: Duration::ZERO }
    }

    fn tick(&mut self) {
        if self.steps.plain && self.started.elapsed() > self.heartbeat {
            let title = format!("{}{}", self.title, self.steps.done());
            self.steps.say(&format!("...    {title:<44} {:>7} s\n", self.heartbeat.as_secs()));
            self.heartbeat += HEARTBEAT;
        }
        if !self.steps.plain && self.started.elapsed() > self.told + COUNT_AGAIN {
            self.told = self.started.elapsed();
            self.bar.set_message(format!("{}{}", self.title, self.steps.done()));
        }
        self.bar.tick();
    }

    fn end(&self) {
        self.bar.finish_and_clear();
    }
}

enum Ended {
    Itself(ExitStatus),
    Asked,
    TooLong,
    TooLoud,
}

impl Ended {
    fn told(&self, limit: Duration) -> String {
        match self {
            Self::Itself(status) => format!("ended with {status}"),
            Self::Asked => "was interrupted".to_owned(),
            Self::TooLong => format!("was ended after its limit of {} s", limit.as_secs()),
            Self::TooLoud => format!("was ended after printing more than {} MiB", LARGEST_LOG >> 20),
        }
    }
}

/// Asks first: nextest then ends its tests, which are in groups of their own.
fn end(child: &mut Child) -> Result<()> {
    let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else {
        child.kill()?;
        child.wait()?;
        return Ok(());
    };
    let asked = Instant::now();
    let _gone_already = kill_process_group(group, Signal::TERM);
    // Looked at and not yet fetched: so long, its number can be nobody else's.
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    while asked.elapsed() < GRACE && waitid(WaitId::Pid(group), look)?.is_none() {
        std::thread::sleep(POLL);
    }
    let _nobody_left = kill_process_group(group, Signal::KILL);
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
    use std::{path::Path, time::Duration};

    use xshell::{Shell, cmd};

    use super::{Steps, Stop};

    fn run(script: &str, limit: Duration) -> (bool, String) {
        let folder = tempfile::tempdir().unwrap();
        let steps = Steps::new(folder.path().join("logs"), true, Stop::default()).unwrap();
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
    fn a_program_without_end_is_ended_with_all_that_it_started() {
        // The shell stays and has a child, which tells its number.
        let (success, log) = run("sleep 600 & echo $!; wait", Duration::from_millis(300));
        assert!(!success);
        // One that is dead and was not yet fetched by its new parent has no command line.
        let child = Path::new("/proc").join(log.trim()).join("cmdline");
        let runs = || std::fs::read(&child).is_ok_and(|line| !line.is_empty());
        let started = std::time::Instant::now();
        while runs() && started.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(!log.trim().is_empty() && !runs(), "{log}");
    }

    #[test]
    fn who_asks_to_stop_ends_the_step_but_not_what_must_be_done() {
        let folder = tempfile::tempdir().unwrap();
        let stop = Stop::default();
        let steps = Steps::new(folder.path().to_owned(), true, stop.clone()).unwrap();
        let shell = Shell::new().unwrap();
        stop.ask();
        let minute = Duration::from_secs(60);
        let started = std::time::Instant::now();
        assert_eq!(steps.run("a", cmd!(shell, "sleep 50"), minute).unwrap_err().to_string(), "interrupted");
        assert!(steps.run_regardless("b", cmd!(shell, "sleep 0.1"), minute).unwrap().success);
        assert!(started.elapsed() < minute / 2);
    }
}
