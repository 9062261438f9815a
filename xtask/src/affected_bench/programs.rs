//! Starts outside programs, with a known environment, a limit on time and output, and an end when we are asked to end.

use std::{
    ffi::{OsStr, OsString},
    io::Read,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use xshell::{Shell, cmd};

use crate::stop::Stop;

/// Between two looks whether a program has ended: a part of the time that it has run, and no longer than that, so that what
/// is timed is not made longer.
const PAUSE_PART: u32 = 50;
const PAUSE: Duration = Duration::from_millis(3);
const MOST_OUTPUT: u64 = 256 << 20;
/// What programs see of our own environment: what `cargo run` set for us must not reach the cargo that we start.
const KEPT: [&str; 6] = ["PATH", "HOME", "USER", "TMPDIR", "CARGO_HOME", "RUSTUP_HOME"];
/// One moment for all commits, so that their ids are the same in each run.
const MOMENT: &str = "2025-01-01T00:00:00Z";

/// How programs are started here.
pub(super) struct Programs {
    environment: Vec<(OsString, OsString)>,
    /// Ends what runs.
    pub(super) stop: Stop,
}

/// A program that ended.
#[derive(Debug)]
pub(super) struct Ran {
    /// How.
    pub(super) status: ExitStatus,
    /// Its standard output.
    pub(super) stdout: Vec<u8>,
    /// Its standard error.
    pub(super) stderr: Vec<u8>,
}

impl Ran {
    /// Its standard error as text.
    pub(super) fn said(&self) -> String {
        String::from_utf8_lossy(self.stderr.trim_ascii()).into_owned()
    }
}

impl Programs {
    /// Takes what programs need from our own environment.
    pub(super) fn new(stop: Stop) -> Result<Self> {
        let shell = Shell::new()?;
        let kept = KEPT.iter().filter_map(|key| Some((OsString::from(key), OsString::from(shell.var(key).ok()?))));
        let set = [
            ("LC_ALL", "C"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_AUTHOR_NAME", "Bench"),
            ("GIT_AUTHOR_EMAIL", "bench@localhost"),
            ("GIT_AUTHOR_DATE", MOMENT),
            ("GIT_COMMITTER_NAME", "Bench"),
            ("GIT_COMMITTER_EMAIL", "bench@localhost"),
            ("GIT_COMMITTER_DATE", MOMENT),
            ("RUSTUP_AUTO_INSTALL", "0"),
            ("CARGO_NET_OFFLINE", "true"),
            ("CARGO_TERM_COLOR", "never"),
        ];
        let set = set.map(|(key, value)| (OsString::from(key), OsString::from(value)));
        Ok(Self { environment: kept.chain(set).collect(), stop })
    }

    /// A program, to be started in `directory`.
    pub(super) fn command(&self, program: impl AsRef<OsStr>, directory: &Path) -> Result<Command> {
        let shell = Shell::new()?;
        shell.change_dir(directory);
        let program = program.as_ref();
        let mut command = Command::from(cmd!(shell, "{program}"));
        command.current_dir(directory);
        // Not `env_clear`: a tracer that starts the command in our place learns of single variables only.
        for (key, _) in std::env::vars_os() {
            command.env_remove(key);
        }
        command.envs(self.environment.iter().map(|(key, value)| (key, value)));
        Ok(command)
    }

    /// Runs a program to its end.
    ///
    /// # Errors
    /// It cannot be started, takes or prints too much, or somebody asked us to stop.
    pub(super) fn run(&self, mut command: Command, limit: Duration) -> Result<Ran> {
        let shown = shown(&command);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let started = Instant::now();
        let mut child = command.spawn().with_context(|| format!("cannot start {shown}"))?;
        let (out, err) = (child.stdout.take(), child.stderr.take());
        thread::scope(|scope| {
            let out = scope.spawn(|| drain(out));
            let err = scope.spawn(|| drain(err));
            let status = self.wait(&mut child, started, limit);
            let read = |from: thread::ScopedJoinHandle<'_, std::io::Result<Vec<u8>>>| {
                from.join().expect("reading a pipe does not panic").with_context(|| format!("cannot read from {shown}"))
            };
            let (stdout, stderr) = (read(out), read(err));
            let status = status.with_context(|| format!("{shown} did not end"))?;
            Ok(Ran { status, stdout: stdout?, stderr: stderr? })
        })
    }

    /// Runs a program that has to succeed, and returns what it printed.
    ///
    /// # Errors
    /// As [`Self::run`]; or it failed, with its own words.
    pub(super) fn must(&self, command: Command, limit: Duration) -> Result<Vec<u8>> {
        let shown = shown(&command);
        let ran = self.run(command, limit)?;
        if !ran.status.success() {
            bail!("{shown} failed: {}", ran.said());
        }
        Ok(ran.stdout)
    }

    /// Runs git in `directory`; it has to succeed.
    pub(super) fn git<S: AsRef<OsStr>>(&self, directory: &Path, arguments: &[S]) -> Result<Vec<u8>> {
        let mut command = self.command("git", directory)?;
        command.args(["-c", "advice.addEmbeddedRepo=false", "-c", "protocol.file.allow=always"]).args(arguments);
        self.must(command, Duration::from_secs(60))
    }

    fn wait(&self, child: &mut Child, started: Instant, limit: Duration) -> Result<ExitStatus> {
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            let (late, asked) = (started.elapsed() > limit, self.stop.asked());
            if late || asked {
                if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
                    let _gone_already = kill_process_group(group, Signal::KILL);
                }
                child.wait()?;
                bail!(if late { format!("its limit is {} s", limit.as_secs()) } else { "interrupted".to_owned() });
            }
            thread::sleep((started.elapsed() / PAUSE_PART).min(PAUSE));
        }
    }
}

/// Program and arguments, without the environment.
fn shown(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Reads to the end, and keeps so much.
fn drain(from: Option<impl Read>) -> std::io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    if let Some(mut from) = from {
        from.by_ref().take(MOST_OUTPUT).read_to_end(&mut kept)?;
        std::io::copy(&mut from, &mut std::io::sink())?;
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use std::{path::Path, time::Duration};

    use super::{Programs, Stop};

    fn run(script: &str, limit: Duration) -> anyhow::Result<(bool, String)> {
        let programs = Programs::new(Stop::default())?;
        let mut command = programs.command("sh", Path::new("/"))?;
        command.args(["-c", script]);
        let ran = programs.run(command, limit)?;
        Ok((ran.status.success(), String::from_utf8(ran.stdout)?))
    }

    #[test]
    fn the_environment_is_ours() {
        let minute = Duration::from_secs(60);
        let (success, out) = run("echo $LC_ALL $CARGO_MANIFEST_DIR; exit 3", minute).unwrap();
        assert_eq!((success, out.as_str()), (false, "C\n"));
    }

    #[test]
    fn a_program_without_end_is_ended_with_its_children() {
        let error = run("sleep 600 & sleep 600", Duration::from_millis(10)).unwrap_err();
        assert!(format!("{error:#}").contains("its limit"), "{error:#}");
    }
}
