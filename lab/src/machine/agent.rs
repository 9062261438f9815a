//! The program inside a machine that runs what the keeper is asked for.

use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io::{self, BufReader, Read, Write},
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Child, ExitStatus, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group, set_child_subreaper};

use super::{
    adopted,
    frame::{CHUNK, Exit, Frame, HELLO, Kind, Start},
    line::Telling,
    pty,
};
use crate::program::Program;

/// How long what a program left running may take to end by itself: a tool in mid-work that was told to end.
const STRAYS_END: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// As a shell says that it cannot start something.
const NOT_STARTED: u8 = 126;
const SYSTEM_PROGRAMS: &str = "/usr/local/sbin:/usr/sbin:/sbin";

/// Serves the keeper at the other end of `line` until that is gone.
///
/// # Errors
/// The line cannot be opened, or what comes over it is no frame.
pub fn serve(line: &Path) -> io::Result<()> {
    // What a program leaves behind becomes this one's child, and is found so, whatever group or session it is in.
    set_child_subreaper(Some(rustix::process::getpid()))?;
    let line = OpenOptions::new().read(true).write(true).open(line)?;
    let from = line.try_clone()?;
    let agent = Arc::new(Agent { line: Mutex::new(line), running: Mutex::default() });
    lock(&agent.line).write_all(HELLO)?;
    let mut frames = BufReader::with_capacity(CHUNK, Telling { from, to: &agent.line });
    loop {
        let frame = Frame::read(&mut frames)?;
        match frame.kind {
            Kind::Start => agent.start(&frame)?,
            Kind::Ping => {
                adopted::reap(&agent.leaders());
                agent.send(&frame)?;
            }
            Kind::Signal => agent.signal(&frame),
            Kind::Input => agent.input(frame.channel, Some(frame.payload)),
            Kind::InputEnd => agent.input(frame.channel, None),
            Kind::Output | Kind::Errors | Kind::Taken | Kind::Exit | Kind::Read | Kind::Lost => {
                return Err(io::ErrorKind::InvalidData.into());
            }
        }
    }
}

struct Agent {
    line: Mutex<File>,
    running: Mutex<HashMap<u32, Running>>,
}

struct Running {
    leader: Pid,
    /// `None` after the end of the input.
    input: Option<mpsc::Sender<Vec<u8>>>,
}

/// A started program and the ends of its streams that are ours.
struct Started {
    child: Child,
    input: Box<dyn Write + Send>,
    outputs: Vec<(Kind, Box<dyn Read + Send>)>,
}

impl Agent {
    fn send(&self, frame: &Frame) -> io::Result<()> {
        frame.write(&mut *lock(&self.line))
    }

    fn leaders(&self) -> Vec<Pid> {
        lock(&self.running).values().map(|running| running.leader).collect()
    }

    fn start(self: &Arc<Self>, frame: &Frame) -> io::Result<()> {
        let (start, channel) = (frame.parse::<Start>()?, frame.channel);
        // Held, so that nobody takes the new process for one that was left behind.
        let mut running = lock(&self.running);
        let Started { child, input, outputs } = match spawn(&start) {
            Ok(started) => started,
            Err(error) => {
                let program = start.words.first().map_or("nothing", String::as_str);
                let note = Some(format!("cannot start {program} in {}: {error}", start.directory));
                let exit = Exit { status: NOT_STARTED, note };
                return self.send(&Frame::document(Kind::Exit, channel, &exit)?);
            }
        };
        let leader = Pid::from_child(&child);
        let (give, given) = mpsc::channel();
        running.insert(channel, Running { leader, input: Some(give) });
        drop(running);
        let agent = Arc::clone(self);
        thread::spawn(move || agent.feed(channel, &given, input));
        let (tell, told) = mpsc::channel();
        let pumps = outputs.len();
        for (kind, output) in outputs {
            let (agent, tell) = (Arc::clone(self), tell.clone());
            thread::spawn(move || {
                agent.pump(channel, kind, output);
                let _nobody_waits = tell.send(());
            });
        }
        let agent = Arc::clone(self);
        thread::spawn(move || agent.end(channel, &start, child, &told, pumps));
        Ok(())
    }

    fn signal(&self, frame: &Frame) {
        let signal = frame.payload.first().and_then(|number| Signal::from_named_raw(i32::from(*number)));
        let leader = lock(&self.running).get(&frame.channel).map(|running| running.leader);
        if let (Some(signal), Some(leader)) = (signal, leader) {
            let _ended_already = kill_process_group(leader, signal);
        }
    }

    fn input(&self, channel: u32, bytes: Option<Vec<u8>>) {
        let mut all = lock(&self.running);
        let Some(running) = all.get_mut(&channel) else { return };
        match (bytes, &running.input) {
            (Some(bytes), Some(input)) => {
                let _ended_already = input.send(bytes);
            }
            (None, _) => running.input = None,
            (Some(_), None) => {}
        }
    }

    /// Gives the program its input; the keeper sends more only after that was taken.
    fn feed(&self, channel: u32, given: &mpsc::Receiver<Vec<u8>>, mut input: Box<dyn Write + Send>) {
        for bytes in given {
            // A program that takes no more input is none of our business.
            let _closed = input.write_all(&bytes).and_then(|()| input.flush());
            let _line_is_gone = self.send(&Frame::new(Kind::Taken, channel, []));
        }
    }

    fn pump(&self, channel: u32, kind: Kind, mut output: Box<dyn Read + Send>) {
        let mut buffer = vec![0; CHUNK];
        // A terminal ends with an error when its last program does.
        while let Ok(read @ 1..) = output.read(&mut buffer) {
            if self.send(&Frame::new(kind, channel, &buffer[..read])).is_err() {
                return;
            }
        }
    }

    /// Waits for the program's end, for its output's end and for what it left, and tells.
    fn end(&self, channel: u32, start: &Start, mut child: Child, told: &mpsc::Receiver<()>, pumps: usize) {
        let status = child.wait();
        let mut running = lock(&self.running);
        running.remove(&channel);
        drop(running);
        let (mut left, deadline) = (pumps, Instant::now() + STRAYS_END);
        let mut notes = Vec::new();
        let strays = loop {
            left -= told.try_iter().count();
            // While others run here it cannot be told whose they are.
            let strays = if start.alone || left > 0 { adopted::living(&self.leaders()) } else { Vec::new() };
            if left == 0 && strays.is_empty() {
                break strays;
            }
            if Instant::now() > deadline {
                break strays;
            }
            thread::sleep(LOOK_AGAIN);
        };
        let mut status = status.map_or(NOT_STARTED, shell_status);
        if !strays.is_empty() {
            notes.push(format!("left running for {} s, and killed: {}", STRAYS_END.as_secs(), strays.join(", ")));
            adopted::kill(&self.leaders());
            for _ in 0..left {
                let _late = told.recv_timeout(STRAYS_END);
            }
            if left > 0 && status == 0 {
                notes.push("they held its output: that is a failure".to_owned());
                status = 1;
            }
        }
        adopted::reap(&self.leaders());
        notes.extend(flush(start).err().map(|error| format!("what it wrote may not be on the host: {error}")));
        let exit = Exit { status, note: (!notes.is_empty()).then(|| notes.join("; ")) };
        let _line_is_gone = Frame::document(Kind::Exit, channel, &exit).and_then(|frame| self.send(&frame));
    }
}

fn spawn(start: &Start) -> io::Result<Started> {
    let nothing = || io::Error::new(io::ErrorKind::InvalidInput, "no program was named");
    let mut words: Vec<&str> = start.words.iter().map(String::as_str).collect();
    if start.terminal.is_some() {
        // The terminal becomes that of its session.
        words.splice(0..0, ["setsid", "--ctty"]);
    }
    let (path, arguments) = words.split_first().ok_or_else(nothing)?;
    let mut program = Program::new(*path).arguments(arguments.iter().copied()).inheriting().directory(&start.directory);
    for (name, value) in &start.environment {
        let value = if name == "PATH" { format!("{value}:{SYSTEM_PROGRAMS}") } else { value.clone() };
        program = program.variable(name, value);
    }
    if let Some(size) = start.terminal {
        let pty::Pair { ours, theirs } = pty::open(size)?;
        let streams = [theirs.try_clone()?, theirs.try_clone()?, theirs].map(Stdio::from);
        let child = program.start(streams, false)?;
        let (input, output) = (Box::new(File::from(ours.try_clone()?)), Box::new(File::from(ours)));
        return Ok(Started { child, input, outputs: vec![(Kind::Output, output)] });
    }
    let mut child = program.start([Stdio::piped(), Stdio::piped(), Stdio::piped()], true)?;
    let streams = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(input), Some(output), Some(errors)) = streams else { return Err(io::ErrorKind::BrokenPipe.into()) };
    let outputs: Vec<(Kind, Box<dyn Read + Send>)> =
        vec![(Kind::Output, Box::new(output)), (Kind::Errors, Box::new(errors))];
    Ok(Started { child, input: Box::new(input), outputs })
}

/// Has the host see what was written into its folders. Only those: `sync` would also wait for devices that a test broke.
fn flush(start: &Start) -> io::Result<()> {
    let own = std::env::current_exe()?;
    for folder in [Some(Path::new(&start.directory)), own.parent()].into_iter().flatten() {
        rustix::fs::syncfs(File::open(folder)?)?;
    }
    Ok(())
}

fn shell_status(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(NOT_STARTED)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
