//! Runs strace over a program, reads what it writes while it writes it, and ends all of it in time.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs::File,
    io::{BufRead, BufReader, Read},
    os::unix::process::CommandExt,
    path::{Component, Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use rustix::{
    fs::{CWD, FileType, Mode, OFlags, mknodat, open},
    process::{Pid, Signal, kill_process},
};
use xshell::{Shell, cmd};

use super::{Touch, Traced, follow::Follower, line::Tid};

/// All calls that name files, enter folders, list them or make processes.
const CALLS: &str = "trace=%file,fchdir,getdents,getdents64,clone,clone3,fork,vfork";
const POLL: Duration = Duration::from_millis(10);
/// What programs get between the request to end and their end: nextest ends its tests in the meantime.
const GRACE: Duration = Duration::from_secs(15);
/// How long what the program started may go on after it.
const OUTLIVES: Duration = Duration::from_secs(5);
const LARGEST_LOG: u64 = 256 << 20;
/// Two paths with every byte escaped, and some.
const LONGEST_LINE: u64 = 64 << 10;

pub(super) fn run(
    command: &Command,
    output_log: &Path,
    limit: Duration,
    mut stop: impl FnMut() -> bool,
) -> Result<Traced> {
    let start = folder(command)?;
    let place = tempfile::tempdir().context("cannot make a folder for the trace")?;
    let pipe = place.path().join("trace");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).context("cannot make a pipe for the trace")?;
    let mut strace = under_strace(command, &start, &pipe)?;
    let log = File::create(output_log).with_context(|| format!("cannot write {}", output_log.display()))?;
    strace.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    strace.process_group(0); // Ctrl-C is for us: we end them in order
    let follower = Mutex::new(Follower::new(&start, targets(command, &start)));
    let unreadable = AtomicBool::new(false);
    let child = strace.spawn().context("cannot start strace: `apt-get install strace`")?;
    let (waited, read) = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let read = follow(&pipe, &follower);
            if read.is_err() {
                unreadable.store(true, Ordering::Relaxed);
            }
            read
        });
        let begun = Instant::now();
        let too_loud = || std::fs::metadata(output_log).is_ok_and(|log| log.len() > LARGEST_LOG);
        let too_long = || begun.elapsed() > limit || unreadable.load(Ordering::Relaxed) || too_loud() || stop();
        let waited = wait(child, &follower, too_long);
        // A reader to which strace never came waits for somebody to open the other end, and one at its end for all to close
        // it. It may only be about to open its own, so that once is not enough.
        while !reader.is_finished() {
            drop(open(&pipe, OFlags::WRONLY | OFlags::NONBLOCK, Mode::empty()));
            std::thread::sleep(POLL);
        }
        (waited, reader.join())
    });
    read.map_err(|_panicked| anyhow::anyhow!("the reader of the trace broke"))??;
    let (status, cut_short) = waited?;
    let follower = follower.into_inner().unwrap_or_else(PoisonError::into_inner);
    if !follower.has_begun() {
        bail!("strace traced nothing; it said: {}", beginning(output_log));
    }
    Ok(Traced { status, cut_short, touches: without_parents(follower.end()?) })
}

/// The same program under strace: once strace is killed, the program is asked to end.
fn under_strace(command: &Command, start: &Path, pipe: &Path) -> Result<Command> {
    let shell = Shell::new()?;
    shell.change_dir(start);
    let (program, arguments) = (command.get_program(), command.get_args());
    // `-s 0`: texts that are no paths are not wanted; paths are printed in full always.
    let strace = ["strace", "-f", "--seccomp-bpf", "-y", "-q", "-s", "0", "-e", "signal=none", "-e", CALLS];
    let mut whole = cmd!(shell, "setpriv --pdeathsig KILL {strace...} -o {pipe}")
        .args(["setpriv", "--pdeathsig", "TERM"])
        .arg(program)
        .args(arguments);
    for (name, value) in command.get_envs() {
        whole = match value {
            Some(value) => whole.env(name, value),
            None => whole.env_remove(name),
        };
    }
    Ok(Command::from(whole))
}

/// Where the program starts, as the kernel will name it.
fn folder(command: &Command) -> Result<PathBuf> {
    let here = command.get_current_dir().unwrap_or(Path::new("."));
    here.canonicalize().with_context(|| format!("cannot start a program in {}", here.display()))
}

/// The names of the folder that cargo builds in: as given, and where its links lead.
fn targets(command: &Command, start: &Path) -> Vec<PathBuf> {
    let told = command.get_args().skip_while(|argument| *argument != "--target-dir").nth(1);
    let set = || command.get_envs().find(|(name, _)| *name == "CARGO_TARGET_DIR").and_then(|(_, value)| value);
    let target = start.join(told.or_else(set).unwrap_or(OsStr::new("target")));
    let real = target.canonicalize().ok();
    std::iter::once(target).chain(real).collect()
}

fn follow(pipe: &Path, follower: &Mutex<Follower>) -> Result<()> {
    let mut lines = BufReader::with_capacity(1 << 18, File::open(pipe).context("cannot read the trace")?);
    let mut line = Vec::new();
    loop {
        line.clear();
        if lines.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line).context("cannot read the trace")? == 0 {
            return Ok(());
        }
        let Some(text) = line.strip_suffix(b"\n") else {
            let rest = lines.fill_buf().context("cannot read the trace")?;
            ensure!(rest.is_empty(), "strace wrote a line of more than {LONGEST_LINE} bytes");
            return Ok(()); // strace was killed while it wrote
        };
        follower.lock().unwrap_or_else(PoisonError::into_inner).line(text)?;
    }
}

/// Waits for strace, which ends with its last process and as its first one did. What outlives the first is ended, as a
/// daemon that nobody stopped; that takes nothing away from what the first came to.
fn wait(
    mut child: Child,
    follower: &Mutex<Follower>,
    mut too_long: impl FnMut() -> bool,
) -> Result<(ExitStatus, bool)> {
    let mut over = None;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok((status, false));
        }
        if too_long() {
            return Ok((end(child, follower)?, true));
        }
        if follower.lock().unwrap_or_else(PoisonError::into_inner).is_over() {
            let since = *over.get_or_insert_with(Instant::now);
            if since.elapsed() > OUTLIVES {
                return Ok((end(child, follower)?, false));
            }
        }
        std::thread::sleep(POLL);
    }
}

/// Asks all processes to end, and kills those that do not. Not strace: while it lives it tells who is left.
fn end(mut child: Child, follower: &Mutex<Follower>) -> Result<ExitStatus> {
    let begun = Instant::now();
    let mut signal = Signal::TERM;
    loop {
        for tid in follower.lock().unwrap_or_else(PoisonError::into_inner).alive() {
            send(tid, signal, child.id());
        }
        let until = if signal == Signal::TERM { GRACE } else { GRACE * 2 };
        while begun.elapsed() < until {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(POLL);
            if signal == Signal::KILL {
                break; // there may be new ones
            }
        }
        if begun.elapsed() >= GRACE * 2 {
            child.kill()?;
            return Ok(child.wait()?);
        }
        signal = if begun.elapsed() >= GRACE { Signal::KILL } else { signal };
    }
}

/// Sends a signal to what `strace` traces, and to nobody else: a number that the trace named may be another's by now.
fn send(tid: Tid, signal: Signal, strace: u32) {
    let status = std::fs::read_to_string(format!("/proc/{tid}/status")).unwrap_or_default();
    let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:")).map(str::trim);
    if tracer != Some(strace.to_string().as_str()) {
        return;
    }
    if let Some(pid) = i32::try_from(tid).ok().and_then(Pid::from_raw) {
        let _gone_already = kill_process(pid, signal);
    }
}

/// Takes `..` out of all paths. Where what is before it is a link, the path that is meant is added.
fn without_parents(touches: BTreeSet<Touch>) -> BTreeSet<Touch> {
    let mut clean = BTreeSet::new();
    for touch in touches {
        if !touch.path.components().any(|part| part == Component::ParentDir) {
            clean.insert(touch);
            continue;
        }
        for path in [lexically(&touch.path), really(&touch.path)] {
            clean.insert(Touch { path, ..touch.clone() });
        }
    }
    clean
}

/// The path without `..`, by its text alone.
pub(crate) fn lexically(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            part => plain.push(part),
        }
    }
    plain
}

fn really(path: &Path) -> PathBuf {
    let mut real = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                real = real.canonicalize().unwrap_or(real);
                real.pop();
            }
            part => real.push(part),
        }
    }
    real
}

fn beginning(log: &Path) -> String {
    let mut text = Vec::new();
    let read = File::open(log).and_then(|file| file.take(2000).read_to_end(&mut text));
    match read {
        Ok(_) => String::from_utf8_lossy(text.trim_ascii()).into_owned(),
        Err(error) => error.to_string(),
    }
}

#[cfg(test)]
mod tests;
