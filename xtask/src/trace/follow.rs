//! Follows all processes of a trace, line by line: which folder each is in, what it is to the whole, what it touches.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result, ensure};

use super::{
    How, Touch,
    call::{Call, Outcome},
    effects,
    line::{Line, Tid, parse},
    role::Role,
};

/// Lines of children are kept until their parent is known; parents return soon, so more than this is no trace of ours.
const LARGEST_WAITING: usize = 64 << 20;

/// All that was seen so far.
pub(super) struct Follower {
    /// Where the first process begins.
    start: PathBuf,
    /// The names of the folder that cargo builds in.
    targets: Vec<PathBuf>,
    threads: HashMap<Tid, Thread>,
    /// Lines of threads whose parent's call has not returned yet.
    waiting: BTreeMap<Tid, Vec<Vec<u8>>>,
    waiting_bytes: usize,
    /// The first process.
    first: Option<Tid>,
    /// `..` is still in these paths.
    touches: BTreeSet<Touch>,
}

/// The folder that a process is in, shared by its threads.
#[derive(Clone)]
struct Folder(Arc<Mutex<PathBuf>>);

impl Folder {
    fn new(path: PathBuf) -> Self {
        Self(Arc::new(Mutex::new(path)))
    }

    fn get(&self) -> PathBuf {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, path: PathBuf) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = path;
    }
}

struct Thread {
    folder: Folder,
    role: Role,
    /// Whether it executes cargo itself, wherever it is.
    is_cargo: bool,
    call: Option<Vec<u8>>,
    /// Whether that call is an `execve` in which the thread takes the number of its process. It has succeeded, whatever
    /// strace says of its outcome.
    executing: bool,
}

impl Thread {
    fn new(folder: Folder, role: Role, is_cargo: bool) -> Self {
        Self { folder, role, is_cargo, call: None, executing: false }
    }
}

impl Follower {
    pub(super) fn new(start: &Path, targets: Vec<PathBuf>) -> Self {
        Self {
            start: start.to_owned(),
            targets,
            threads: HashMap::new(),
            waiting: BTreeMap::new(),
            waiting_bytes: 0,
            first: None,
            touches: BTreeSet::new(),
        }
    }

    /// Takes the next line, without its end.
    pub(super) fn line(&mut self, text: &[u8]) -> Result<()> {
        self.take(text).with_context(|| format!("strace wrote `{}`", String::from_utf8_lossy(text)))
    }

    /// The processes and threads that are there now.
    pub(super) fn alive(&self) -> Vec<Tid> {
        self.threads.keys().chain(self.waiting.keys()).copied().collect()
    }

    /// Whether a process was seen at all.
    pub(super) fn has_begun(&self) -> bool {
        self.first.is_some()
    }

    /// Whether the first process has ended; what it started may go on.
    pub(super) fn is_over(&self) -> bool {
        self.first.is_some_and(|first| !self.threads.contains_key(&first))
    }

    /// Ends the trace.
    pub(super) fn end(mut self) -> Result<BTreeSet<Touch>> {
        // Their parents died before they were told of them, or know them by other numbers. Then they count as tests,
        // whose reads are never left out.
        while let Some((tid, lines)) = self.waiting.pop_first() {
            self.adopt(tid, Thread::new(Folder::new(self.start.clone()), Role::Run, false), lines)?;
        }
        Ok(self.touches)
    }

    fn take(&mut self, text: &[u8]) -> Result<()> {
        let (tid, line) = parse(text)?;
        if self.first.is_none() {
            self.first = Some(tid);
            self.threads.insert(tid, Thread::new(Folder::new(self.start.clone()), Role::Cargo, false));
        }
        let Some(thread) = self.threads.get_mut(&tid) else {
            self.waiting_bytes += text.len();
            ensure!(self.waiting_bytes <= LARGEST_WAITING, "there are too many processes without a parent");
            self.waiting.entry(tid).or_default().push(text.to_vec());
            return Ok(());
        };
        match line {
            Line::Whole(text) => self.call(tid, Call::parse(text)?),
            Line::Begun(text) => {
                thread.call = Some(text.to_vec());
                Ok(())
            }
            Line::Resumed(rest) => {
                let mut text = thread.call.take().context("a call goes on that never began")?;
                text.extend_from_slice(rest);
                self.call(tid, Call::parse(&text)?)
            }
            Line::BecomesProcess { begun, process } => {
                if let Some(mut thread) = self.threads.remove(&tid) {
                    thread.call = Some(begun.to_vec());
                    thread.executing = true;
                    self.threads.insert(process, thread);
                }
                Ok(())
            }
            Line::Superseded(by) => {
                // It is gone already where its line said what it becomes.
                if let Some(mut thread) = self.threads.remove(&by) {
                    thread.executing = true;
                    self.threads.insert(tid, thread);
                }
                Ok(())
            }
            Line::Ended => {
                self.threads.remove(&tid);
                Ok(())
            }
            Line::Nothing => Ok(()),
        }
    }

    fn call(&mut self, tid: Tid, mut call: Call) -> Result<()> {
        let Some(thread) = self.threads.get_mut(&tid) else { return Ok(()) };
        if std::mem::take(&mut thread.executing) {
            call.outcome = Outcome::Done(0, None);
        }
        if let Some(here) = call.here() {
            // The kernel knows better, where a link was followed.
            thread.folder.set(here.clone());
        }
        let here = thread.folder.get();
        if let ("execve", Some(program), Outcome::Done(..)) = (call.name.as_str(), call.text(0), &call.outcome) {
            thread.role = thread.role.executing(&here.join(program), &self.targets);
            thread.is_cargo = program.file_name().is_some_and(|name| name == "cargo");
        }
        let (by, is_cargo) = (thread.role.by(), thread.is_cargo);
        for (path, how) in effects::of(&call, &here) {
            let how = if how == How::Found && !is_cargo { How::Read } else { how };
            self.touches.insert(Touch { path: path.components().collect(), how, by });
        }
        match (call.name.as_str(), &call.outcome) {
            ("chdir", Outcome::Done(..)) => {
                if let Some(folder) = call.text(0) {
                    thread.folder.set(here.join(folder));
                }
            }
            ("fchdir", Outcome::Done(..)) => {
                if let Some(folder) = call.open(0) {
                    thread.folder.set(folder.clone());
                }
            }
            ("clone" | "clone3" | "fork" | "vfork", Outcome::Done(child, _)) => {
                let shared = call.has("CLONE_FS");
                let folder = if shared { thread.folder.clone() } else { Folder::new(here) };
                let child = Tid::try_from(*child)?;
                let thread = Thread::new(folder, thread.role, is_cargo);
                let lines = self.waiting.remove(&child).unwrap_or_default();
                return self.adopt(child, thread, lines);
            }
            _ => {}
        }
        Ok(())
    }

    fn adopt(&mut self, tid: Tid, thread: Thread, lines: Vec<Vec<u8>>) -> Result<()> {
        self.threads.insert(tid, thread);
        for line in lines {
            self.waiting_bytes -= line.len();
            self.take(&line)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        ffi::OsStr,
        os::unix::ffi::OsStrExt,
        path::{Path, PathBuf},
    };

    use super::Follower;
    use crate::trace::{By, How, Touch};

    fn follow(trace: &str) -> Vec<(String, How, By)> {
        let mut follower = Follower::new(Path::new("/w"), vec!["/w/target".into()]);
        for line in trace.lines() {
            follower.line(line.trim().as_bytes()).unwrap();
        }
        let touches = follower.end().unwrap();
        touches.into_iter().map(|touch| (touch.path.display().to_string(), touch.how, touch.by)).collect()
    }

    fn paths(trace: &str) -> Vec<String> {
        follow(trace).into_iter().map(|(path, ..)| path).collect()
    }

    #[test]
    fn a_folder_is_inherited_and_left_by_each_process_alone() {
        let trace = "1 chdir(\"d\") = 0
            1 fork() = 2
            2 chdir(\"e\") = 0
            2 access(\"x\", R_OK) = 0
            1 access(\"y\", R_OK) = 0
            2 fchdir(4</u>) = 0
            2 access(\"z\", R_OK) = 0";
        assert_eq!(paths(trace), ["/u/z", "/w/d", "/w/d/e", "/w/d/e/x", "/w/d/y"]);
    }

    #[test]
    fn threads_share_a_folder() {
        let trace = "1 clone3({flags=CLONE_VM|CLONE_FS|CLONE_THREAD, stack_size=0x7fff80}, 88) = 2
            2 chdir(\"/d\") = 0
            1 access(\"x\", R_OK) = 0";
        assert_eq!(paths(trace), ["/d", "/d/x"]);
    }

    #[test]
    fn lines_of_a_child_wait_for_its_parent() {
        let trace = "1 chdir(\"/d\") = 0
            1 vfork( <unfinished ...>
            2 access(\"x\", R_OK) = 0
            2 execve(\"/w/target/debug/deps/it\", [...], 0x7f /* 3 vars */ <unfinished ...>
            3 access(\"z\", R_OK) = 0
            1 <... vfork resumed>) = 2
            2 <... execve resumed>) = 0
            2 fork( <unfinished ...>
            2 <... fork resumed>) = 3
            2 access(\"y\", R_OK) = 0";
        let seen = follow(trace);
        assert!(seen.contains(&("/d/x".to_owned(), How::Read, By::Cargo)), "{seen:?}");
        assert!(seen.contains(&("/d/y".to_owned(), How::Read, By::Run)), "{seen:?}");
        assert!(seen.contains(&("/d/z".to_owned(), How::Read, By::Run)), "{seen:?}");
        assert!(seen.contains(&("/w/target/debug/deps/it".to_owned(), How::Read, By::Run)), "{seen:?}");
    }

    #[test]
    fn a_child_whose_parent_is_never_known_counts_as_a_test() {
        let trace = "1 access(\"a\", R_OK) = 0
            9 openat(AT_FDCWD</e>, \"x\", O_RDONLY) = 3</e/x>";
        let seen = follow(trace);
        assert!(seen.contains(&("/e/x".to_owned(), How::Read, By::Run)), "{seen:?}");
    }

    #[test]
    fn a_thread_that_executes_becomes_its_process() {
        let trace = "1 clone3({flags=CLONE_VM|CLONE_FS|CLONE_THREAD}, 88) = 2
            2 execve(\"/w/target/x\", [...], 0x7f /* 3 vars */ <pid changed to 1 ...>
            1 +++ superseded by execve in pid 2 +++
            1 <... execve resumed>) = -1 (errno 18446744073709551595)
            1 access(\"y\", R_OK) = 0
            1 +++ exited with 0 +++";
        assert!(follow(trace).contains(&("/w/y".to_owned(), How::Read, By::Run)));
    }

    #[test]
    fn a_thread_that_is_interrupted_as_it_executes_becomes_its_process_too() {
        let trace = "1 clone3({flags=CLONE_VM|CLONE_FS|CLONE_THREAD}, 88) = 2
            2 execve(\"/w/target/x\", [...], 0x7f /* 3 vars */ <unfinished ...>
            1 +++ superseded by execve in pid 2 +++
            1 <... execve resumed>) = 0
            1 access(\"y\", R_OK) = 0";
        assert!(follow(trace).contains(&("/w/y".to_owned(), How::Read, By::Run)));
    }

    #[test]
    fn where_a_link_was_entered_the_kernel_is_believed() {
        let trace = "1 chdir(\"link\") = 0
            1 openat(AT_FDCWD</elsewhere>, \"x\", O_RDONLY) = 3</elsewhere/x>
            1 access(\"y\", R_OK) = 0";
        assert_eq!(paths(trace), ["/elsewhere/x", "/elsewhere/y", "/w/link"]);
    }

    #[test]
    fn cargo_only_looks_whether_a_file_is_there() {
        let trace = "1 execve(\"/w/target/it\", [...], 0x7f /* 3 vars */) = 0
            1 access(\"a\", R_OK) = 0
            1 execve(\"/c/bin/cargo\", [...], 0x7f /* 3 vars */) = 0
            1 access(\"b\", R_OK) = 0
            1 openat(AT_FDCWD</w>, \"c\", O_RDONLY) = 3</w/c>";
        let seen = follow(trace);
        for expected in [("/w/a", How::Read), ("/w/b", How::Found), ("/w/c", How::Read)] {
            assert!(seen.contains(&(expected.0.to_owned(), expected.1, By::Run)), "{seen:?}");
        }
    }

    #[test]
    fn names_are_bytes() {
        let mut follower = Follower::new(Path::new("/w"), Vec::new());
        follower.line(b"1 access(\"b\\377ad\", R_OK) = 0").unwrap();
        let path = PathBuf::from(OsStr::from_bytes(b"/w/b\xffad"));
        assert!(follower.end().unwrap().contains(&Touch { path, how: How::Read, by: By::Cargo }));
    }

    #[test]
    fn a_line_that_cannot_be_read_is_an_error_that_shows_it() {
        let mut follower = Follower::new(Path::new("/w"), Vec::new());
        let error = follower.line(b"1 open(\"a\", ").unwrap_err();
        assert!(error.to_string().contains("1 open(\"a\", "), "{error:#}");
        assert!(follower.line(b"1 <... open resumed>) = 3").is_err());
    }
}
