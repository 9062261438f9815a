use std::{ffi::OsStr, fs::File, io::Read, time::Duration};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{ExecError, Limits, Lookup, Output, Program, Run};
use crate::{
    driver::{Classified, Kind, OpCtx, context::Stopped},
    ids::OpId,
    units::ByteCount,
};

const LONG: Duration = Duration::from_secs(60);

fn ctx() -> OpCtx {
    OpCtx::new(OpId::new(), LONG, CancellationToken::new())
}

fn program(name: &'static str) -> Program {
    Program::find(name).expect("every system has it")
}

/// The shell is a program like another here: what it is told to do is the test's.
fn script(text: &str) -> Run {
    program("sh").run(["-c", text])
}

async fn output(run: Run) -> Result<Output, ExecError> {
    run.output(&ctx()).await
}

/// A pipe that says when everybody who holds its other end is gone.
fn pipe() -> (File, File) {
    let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).expect("a pipe");
    (read.into(), write.into())
}

async fn all_holders_are_gone(mut end: File) {
    let read = tokio::task::spawn_blocking(move || end.read(&mut [0]));
    let read = tokio::time::timeout(LONG, read).await.expect("somebody survived").expect("no panic");
    assert_eq!(read.expect("readable"), 0);
}

#[test]
fn a_missing_program_is_named_with_its_package() {
    let lookup = Lookup { package: Some("no-such-package"), path: Some(OsStr::new("/nonexistent")) };
    let error = Program::find_with("no-such-program", lookup).expect_err("there is none");
    assert_eq!(error.kind(), Kind::Fatal);
    let text = error.to_string();
    assert!(text.contains("no-such-program") && text.contains("apt-get install no-such-package"), "{text}");
}

#[test]
fn relative_path_entries_are_not_searched() {
    // Tests run in the package's folder, where this exists.
    let lookup = Lookup { package: None, path: Some(OsStr::new(".:src")) };
    assert!(Program::find_with("Cargo.toml", lookup).is_err());
}

#[tokio::test]
async fn standard_input_reaches_the_program_whole() {
    let sent: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let answer = output(program("cat").run([""; 0]).stdin(sent.clone())).await.expect("cat works");
    assert!(answer.stdout == sent);
}

#[tokio::test]
async fn a_file_can_be_the_standard_input() {
    let mut file = tempfile::tempfile().expect("a file");
    std::io::Write::write_all(&mut file, b"from a file").expect("room");
    std::io::Seek::rewind(&mut file).expect("seekable");
    let answer = output(program("cat").run([""; 0]).stdin_file(file)).await.expect("cat works");
    assert_eq!(answer.stdout, b"from a file");
}

#[tokio::test]
async fn a_program_that_does_not_read_its_input_is_no_error() {
    output(program("true").run([""; 0]).stdin(vec![1; 1 << 20])).await.expect("true works");
}

#[tokio::test]
async fn the_environment_is_empty_but_for_two_words() {
    let answer = output(program("env").run([""; 0])).await.expect("env works");
    let text = String::from_utf8(answer.stdout).expect("text");
    let mut names: Vec<_> = text.lines().filter_map(|line| line.split('=').next()).collect();
    names.sort_unstable();
    assert_eq!(names, ["LC_ALL", "PATH"]);
}

#[tokio::test]
async fn a_variable_that_is_given_is_there() {
    let output = output(script("printf %s \"$WORD\"").env("WORD", "two words")).await.expect("done");
    assert_eq!(output.stdout, b"two words");
}

#[tokio::test]
async fn a_failure_keeps_command_status_and_the_last_of_stderr() {
    let run =
        script("head -c 100000 /dev/zero | tr '\\0' x >&2; echo >&2; echo 'the reason' >&2; exit 3").arg("two words");
    let error = output(run).await.expect_err("it exits with 3");
    assert_eq!((error.kind(), error.exit_code()), (Kind::Fatal, Some(3)));
    assert!(error.stderr().ends_with("the reason") && error.stderr().len() <= 4096);
    let text = error.to_string();
    assert!(text.starts_with("sh -c ") && text.contains("\"two words\"") && text.contains("exit status: 3"), "{text}");
}

#[tokio::test]
async fn exit_codes_can_be_accepted() {
    let answer = output(script("echo there; exit 5").accept([5])).await.expect("5 is accepted");
    assert_eq!((answer.status.code(), answer.stdout.as_slice()), (Some(5), b"there\n".as_slice()));
    assert!(output(script("exit 6").accept([5])).await.is_err());
}

#[tokio::test]
async fn too_much_output_is_drained_then_refused() {
    let (end, held) = pipe();
    let run =
        script("head -c 3000000 /dev/zero && exec 3>&0 && echo ran-to-its-end >&3").stdin_file(held).output_bytes(1000);
    let error = output(run).await.expect_err("it is too much");
    assert!(matches!(error, ExecError::TooMuchOutput { limit: 1000, .. }), "{error}");
    let mut said = String::new();
    (&end).read_to_string(&mut said).expect("readable");
    assert_eq!(said, "ran-to-its-end\n");
}

#[tokio::test]
async fn lines_arrive_as_they_are_written() {
    let (seen, mut lines) = mpsc::unbounded_channel();
    let run = script("printf '1/3\\r2/3\\r'; echo 3/3").on_line(move |line| {
        let _closed = seen.send(line.to_owned());
    });
    assert!(output(run).await.expect("it works").stdout.is_empty());
    let mut all = Vec::new();
    while let Some(line) = lines.recv().await {
        all.push(line);
    }
    assert_eq!(all, ["1/3", "2/3", "3/3"]);
}

#[tokio::test]
async fn a_daemon_that_holds_the_pipes_does_not_hold_us() {
    let (theirs, ours) = pipe();
    // The background `cat` keeps standard output open until we close our end of its input.
    let answer = output(script("exec 3<&0; cat <&3 & echo started").stdin_file(theirs)).await.expect("it works");
    assert_eq!(answer.stdout, b"started\n");
    drop(ours);
}

#[tokio::test]
async fn past_the_deadline_the_program_is_killed_and_the_outcome_unknown() {
    let short = OpCtx::new(OpId::new(), Duration::from_millis(100), CancellationToken::new());
    let (end, held) = pipe();
    let error = program("sleep").run(["1000"]).stdin_file(held).output(&short).await.expect_err("it takes longer");
    assert!(matches!(error, ExecError::Stopped { source: Stopped::Deadline, .. }), "{error}");
    assert_eq!(error.kind(), Kind::Indeterminate);
    all_holders_are_gone(end).await;
}

/// A leader that ends when asked, with a child that refuses to. Says `up` once both are there.
const STUBBORN: &str = "exec 3>&0; (trap '' TERM; echo up; while :; do sleep 1; done) & wait";

#[tokio::test]
async fn cancellation_kills_grandchildren_that_ignore_the_polite_signal() {
    let cancel = CancellationToken::new();
    let ctx = OpCtx::new(OpId::new(), LONG, cancel.clone());
    let (end, held) = pipe();
    let run = script(STUBBORN).stdin_file(held).on_line(move |_| cancel.cancel());
    let error = run.output(&ctx).await.expect_err("it was cancelled");
    assert!(matches!(error, ExecError::Stopped { source: Stopped::Cancelled, .. }), "{error}");
    all_holders_are_gone(end).await;
}

#[tokio::test]
async fn a_dropped_run_leaves_no_process() {
    let (up, mut is_up) = mpsc::unbounded_channel();
    let (end, held) = pipe();
    let run = script(STUBBORN).stdin_file(held).on_line(move |_| {
        let _closed = up.send(());
    });
    tokio::select! {
        ended = output(run) => panic!("it ended by itself: {ended:?}"),
        _ = is_up.recv() => {}
    }
    all_holders_are_gone(end).await;
}

#[tokio::test]
async fn work_bound_to_the_host_dies_with_it() {
    let (end, held) = pipe();
    // To the kernel, the end of the thread that started it is the end of the host.
    let host = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let (up, mut is_up) = mpsc::unbounded_channel();
            let run = script("echo up; exec sleep 1000").dies_with_host().stdin_file(held).on_line(move |_| {
                let _closed = up.send(());
            });
            let mut ended = Box::pin(output(run));
            tokio::select! {
                ended = &mut ended => panic!("it ended by itself: {ended:?}"),
                _ = is_up.recv() => {}
            }
            // A host that is killed drops nothing, so nothing here may: only the kernel is left to do it.
            std::mem::forget(ended);
        });
    });
    host.join().expect("no panic");
    all_holders_are_gone(end).await;
}

#[tokio::test]
async fn limits_hold_for_the_program() {
    let limits = Limits { address_space: ByteCount::new(1 << 30).expect("small"), cpu_seconds: 7 };
    let answer = output(script("ulimit -v; ulimit -t; ulimit -c").limits(limits)).await.expect("it works");
    assert_eq!(answer.stdout, b"1048576\n7\n0\n");
    let spin = Limits { cpu_seconds: 1, ..limits };
    let error = output(script("while :; do :; done").limits(spin)).await.expect_err("it is out of time");
    assert!(error.to_string().contains("signal"), "{error}");
}

#[tokio::test]
async fn nothing_is_started_after_cancellation() {
    let cancel = CancellationToken::new();
    cancel.cancel();
    let mark = tempfile::tempdir().expect("a directory");
    let path = mark.path().join("started");
    let ctx = OpCtx::new(OpId::new(), LONG, cancel);
    assert!(program("touch").run([path.as_os_str()]).output(&ctx).await.is_err());
    assert!(!path.exists());
}

#[test]
fn what_goes_to_standard_input_is_not_shown() {
    let run = program("cat").run(["-"]).stdin(b"secret".to_vec());
    let shown = format!("{run:?}");
    assert!(!shown.contains("secret") && !shown.contains("115"), "{shown}");
}

#[tokio::test]
async fn a_conversation_goes_both_ways_and_keeps_the_last_words() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let mut talk = script("read -r line; echo \"heard $line\"; echo bye >&2; exit 3").converse().expect("started");
    let (mut stdin, mut stdout) = (talk.take_stdin().expect("open"), talk.take_stdout().expect("open"));
    stdin.write_all(b"this\n").await.expect("written");
    let mut heard = String::new();
    stdout.read_to_string(&mut heard).await.expect("read");
    assert_eq!(heard, "heard this\n");
    assert_eq!(talk.ended().await.expect("known").code(), Some(3));
    assert_eq!(talk.ended().await.expect("still known").code(), Some(3));
    assert_eq!(talk.stderr(), "bye");
}

#[tokio::test]
async fn a_conversation_that_is_dropped_or_killed_ends_all_that_it_started() {
    use tokio::io::AsyncReadExt;

    for by_drop in [false, true] {
        let mut talk = script("sleep 600 & exec sleep 600").converse().expect("started");
        // Both sleeps hold the other end: it closes when the last of them is gone.
        let mut stdout = talk.take_stdout().expect("open");
        if by_drop {
            drop(talk);
        } else {
            assert_eq!(talk.kill().await.expect("known").code(), None);
        }
        let read = tokio::time::timeout(LONG, stdout.read(&mut [0])).await.expect("somebody survived");
        assert_eq!(read.expect("readable"), 0);
    }
}

#[tokio::test]
async fn a_conversation_that_is_spared_ends_by_itself_when_dropped() {
    use tokio::io::AsyncReadExt;

    let folder = tempfile::tempdir().expect("a directory");
    let word = folder.path().join("word");
    let run = program("sh").run(["-c", &format!("read -r line; sleep 0.2; echo done > {}", word.display())]);
    let mut talk = run.spared_on_drop().converse().expect("started");
    let mut stdout = talk.take_stdout().expect("open");
    drop(talk);
    let read = tokio::time::timeout(LONG, stdout.read(&mut [0])).await.expect("it stayed");
    assert_eq!(read.expect("readable"), 0);
    assert_eq!(std::fs::read_to_string(word).expect("written after the drop"), "done\n");
}
