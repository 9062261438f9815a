//! Machines, begun and broken on the host.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

const LIMIT: Duration = Duration::from_secs(120);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// A keeper of its own, killed with the value.
struct Lab {
    keeper: Child,
    socket: String,
    folder: tempfile::TempDir,
}

impl Lab {
    fn raise(machines: u32) -> Self {
        let folder = tempfile::tempdir().expect("there is room");
        let mut command = program();
        command.arg("keep").arg(folder.path()).arg(machines.to_string());
        let mut keeper = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it was built");
        let mut socket = String::new();
        BufReader::new(keeper.stdout.take().expect("it is a pipe"))
            .read_line(&mut socket)
            .expect("it says where it is");
        assert!(!socket.is_empty(), "it is not up; it said why");
        Self { keeper, socket: socket.trim().to_owned(), folder }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn start(&self, script: &str) -> Child {
        let mut command = program();
        command.arg("exec").arg(&self.socket).args(["sh", "-c", script]).current_dir(self.folder.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it was built")
    }

    fn run(&self, script: &str) -> Output {
        self.start(script).wait_with_output().expect("it ends")
    }

    fn says(&self, script: &str) -> String {
        let output = self.run(script);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("it is text").trim().to_owned()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ended = self.keeper.kill();
        let _ended = self.keeper.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "what is tested is how these processes end")]
fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_ashlar-lab-machine"))
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).expect("it runs");
}

fn until(what: &str, mut is: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is() {
        assert!(started.elapsed() < LIMIT, "{what}");
        thread::sleep(LOOK_AGAIN);
    }
}

/// The processes that work below `folder`: all of a machine's do.
fn processes(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir("/proc").expect("it is mounted").flatten();
    let inside = |path: &PathBuf| fs::read_link(path.join("cwd")).is_ok_and(|at| at.starts_with(folder));
    entries.map(|entry| entry.path()).filter(inside).collect()
}

#[test]
fn streams_and_exits_are_passed_on() {
    const MANY: usize = 8 << 20;
    let lab = Lab::raise(1);
    let output = lab.run("echo said; echo complained >&2; exit 7");
    assert_eq!(
        (output.status.code(), output.stdout, output.stderr),
        (Some(7), b"said\n".to_vec(), b"complained\n".to_vec())
    );
    assert_eq!(lab.run("kill -9 $$").status.code(), Some(137), "as a shell says it");
    assert_eq!(lab.run("exec /no/such/program").status.code(), Some(127));
    let output = lab.run(&format!("head -c {MANY} /dev/zero"));
    assert_eq!(output.stdout.len(), MANY);

    let mut child = lab.start("md5sum; cat /proc/version");
    let (mut input, sent) = (child.stdin.take().unwrap(), vec![b'x'; 1 << 20]);
    input.write_all(&sent).unwrap();
    drop(input);
    let said = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    assert!(said.starts_with("b561f87202d04959e37588ee05cf5b10"), "{said}");
    assert!(said.contains("Linux version 6.1"), "it is not the host's kernel: {said}");
}

#[test]
fn files_go_out_where_they_may_and_stay_inside_elsewhere() {
    let lab = Lab::raise(1);
    let (tool, report) = (lab.path("tool"), lab.path("report"));
    // As cargo does with a test program: in place, and as another file of the same name.
    for version in ["one", "two"] {
        fs::write(&tool, format!("echo {version}; echo {version} >{report}")).unwrap();
        assert_eq!(lab.says(&format!("sh {tool}")), version);
        assert_eq!(fs::read_to_string(&report).unwrap().trim(), version);
    }
    fs::write(lab.path("new"), "echo three").unwrap();
    fs::rename(lab.path("new"), &tool).unwrap();
    assert_eq!(lab.says(&format!("sh {tool}")), "three");

    let name = format!("ashlar-lab-{}", std::process::id());
    let places = [format!("/etc/{name}"), format!("/var/lib/{name}"), format!("/tmp/{name}"), format!("/dev/{name}")];
    lab.says(&format!("touch {0} && ls {0}", places.join(" ")));
    for place in places {
        assert!(!Path::new(&place).exists(), "{place} is the host's");
    }
}

#[test]
fn a_killed_runner_leaves_nothing_running() {
    let lab = Lab::raise(1);
    for how in [Signal::TERM, Signal::KILL] {
        let mut runner = lab.start("sleep 4321 & sleep 4321");
        // The one machine is its own meanwhile; it says itself that it runs.
        thread::sleep(Duration::from_secs(1));
        signal(&runner, how);
        let status = runner.wait().unwrap();
        match how {
            Signal::KILL => assert_eq!(status.signal(), Some(9)),
            _ => assert_eq!(status.code(), Some(143)),
        }
        assert_eq!(lab.says("ps ax | grep -c '[s]leep 4321' || true"), "0", "after {how:?}");
    }
}

#[test]
fn what_a_program_leaves_is_ended_with_it_and_counts_where_it_holds_the_output() {
    let lab = Lab::raise(1);
    let output = lab.run("setsid sleep 4321 & exit 0");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("sleep") && said.contains("held its output"), "{said}");
    assert_eq!(lab.says("ps ax | grep -c '[s]leep 4321' || true"), "0");
}

#[test]
fn a_machine_that_dies_fails_its_program_and_is_booted_anew() {
    let lab = Lab::raise(1);
    lab.says("touch /run/before");
    let output = lab.run("echo c >/proc/sysrq-trigger; sleep 100");
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("died") && said.contains("sysrq"), "{said}");
    assert_eq!(lab.says("ls /run/before 2>/dev/null || echo new"), "new");
}

#[test]
fn a_machine_that_ran_many_programs_is_booted_anew_and_loses_none() {
    let lab = Lab::raise(1);
    lab.says("touch /run/before");
    let there = || lab.says("ls /run/before 2>/dev/null || echo new") != "new";
    assert!(there(), "it stays for the next programs");
    let answered = (0..60).take_while(|_| there()).count();
    assert!((20..60).contains(&answered), "booted anew after {answered} programs");
}

#[test]
fn programs_that_run_at_once_have_each_a_machine() {
    let lab = Lab::raise(2);
    // The second may still be booting: then the first takes both, one after the other.
    until("each on its own", || {
        let both = [lab.start("sleep 1; echo $ASHLAR_LAB_MACHINE"), lab.start("echo $ASHLAR_LAB_MACHINE; sleep 1")];
        let mut names = both.map(|child| String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap());
        names.sort_unstable();
        names == ["0\n", "1\n"]
    });
}

#[test]
fn no_process_outlives_its_keeper() {
    for how in [Signal::KILL, Signal::TERM] {
        let mut lab = Lab::raise(2);
        let inside = lab.folder.path().join("lab");
        let runner = lab.start("sleep 4321");
        until("both machines", || processes(&inside).len() > 4);
        signal(&lab.keeper, how);
        lab.keeper.wait().unwrap();
        until("the end of all that is theirs", || processes(&inside).is_empty());
        let output = runner.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
    }
}
