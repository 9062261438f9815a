//! How a machine begins: a user-mode Linux kernel on this machine's own file tree.

use std::{
    fs::{self, File},
    io,
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rustix::process::geteuid;

use super::{machine::Machine, processor};
use crate::{
    error::{Error, Result},
    folder::Folder,
    postgres::place::in_memory,
    program::Program,
};

/// The kernel, which Debian packages as a program.
pub(super) const KERNEL: &str = "linux.uml";
const INIT: &str = include_str!("init.sh");
const XSTATE: &str = include_str!("ptrace_xstate.c");
/// What the kernel says where it needs that: see there.
const XSTATE_FAULT: &str = "ptrace set fp regs failed";
/// Loaded at the start. dm-mod's targets are for LVM (thin pools, snapshots) and for faults.
const MODULES: &[&str] = &[
    "loop",
    "dm-mod",
    "dm-thin-pool",
    "dm-snapshot",
    "dm-flakey",
    "dm-delay",
    "configfs",
    "target_core_mod",
    "target_core_iblock",
    "iscsi_target_mod",
    "iscsi_tcp",
    // Where there is no udev, nobody loads what makes a disk of what a target offers.
    "sd_mod",
];
const COMPILE_LIMIT: Duration = Duration::from_secs(60);

/// What machines are made with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where their folders are.
    pub within: PathBuf,
    /// The program and first arguments that run the agent; it gets the path of its line besides.
    pub agent: Vec<String>,
    /// Folders of the host that programs inside may write into.
    pub writable: Vec<PathBuf>,
    /// The memory of each, in MiB; a sparse file, so that only what is used is taken.
    pub memory_mib: u32,
}

/// Boots machines, and knows what that takes on this processor.
#[derive(Debug)]
pub(super) struct Booter {
    config: Config,
    /// What is preloaded into the kernel, once it was seen to need that.
    preload: Mutex<Option<PathBuf>>,
}

impl Booter {
    pub(super) fn new(config: Config) -> Self {
        Self { config, preload: Mutex::default() }
    }

    /// Boots the one of this number and waits for its agent.
    pub(super) fn boot(&self, number: usize) -> Result<Machine> {
        let preload = self.preload();
        match self.boot_with(number, preload.as_deref()) {
            Err(Error::Machine { console, .. }) if preload.is_none() && console.contains(XSTATE_FAULT) => {
                let compiled = self.compile()?;
                *self.preload.lock().unwrap_or_else(PoisonError::into_inner) = Some(compiled.clone());
                self.boot_with(number, Some(&compiled))
            }
            booted => booted,
        }
    }

    fn preload(&self) -> Option<PathBuf> {
        self.preload.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn boot_with(&self, number: usize, preload: Option<&Path>) -> Result<Machine> {
        let config = &self.config;
        let folder = Folder::make(&config.within)?;
        let (ours, theirs) = UnixStream::pair().map_err(Error::io("cannot make a machine's line"))?;
        let console = folder.path().join("console");
        let log = File::create(&console).map_err(Error::io(format!("cannot write {}", console.display())))?;
        let init = folder.path().join("init");
        write_script(&init, &script(config, &init, &number.to_string()))?;
        let program = program(config, folder.path(), &init, preload, processor::of(number));
        let running = program.stay_with(Stdio::from(OwnedFd::from(theirs)), log)?;
        let machine = Machine::begin(folder, console, running, ours)?;
        machine.wait_for_agent()?;
        Ok(machine)
    }

    fn compile(&self) -> Result<PathBuf> {
        let source = self.config.within.join("ptrace_xstate.c");
        let compiled = source.with_extension("so");
        fs::write(&source, XSTATE).map_err(Error::io(format!("cannot write {}", source.display())))?;
        Program::new("cc")
            .arguments(["-O2", "-shared", "-fPIC", "-o"])
            .arguments([&compiled, &source])
            .run(COMPILE_LIMIT)?;
        Ok(compiled)
    }
}

/// The kernel is in a space of processes of its own, with which ends every process that it made to run programs in. That
/// ends with who started it, as `setpriv` and `unshare` have the host's kernel see to.
fn program(config: &Config, folder: &Path, init: &Path, preload: Option<&Path>, processor: Option<usize>) -> Program {
    let mut words = vec!["--pdeathsig", "KILL", "--", "unshare", "--pid", "--fork", "--kill-child"];
    if !geteuid().is_root() {
        words.extend(["--user", "--map-root-user"]);
    }
    // The first process of a space takes no signal that it does not handle, so the kernel could not abort as it does when
    // it panics. A shell is the first, and ends after it.
    words.extend(["--", "sh", "-c", "\"$@\"; exit", "sh"]);
    let pinned = processor.map(|number| ["taskset".to_owned(), "--cpu-list".to_owned(), number.to_string()]);
    let own: Vec<String> = vec![
        "env".to_owned(),
        format!("LD_PRELOAD={}", preload.unwrap_or(Path::new("")).display()),
        KERNEL.to_owned(),
        format!("mem={}M", config.memory_mib),
        "root=/dev/root".to_owned(),
        "rootfstype=hostfs".to_owned(),
        "rootflags=/".to_owned(),
        "ro".to_owned(),
        format!("init={}", init.display()),
        format!("uml_dir={}/", folder.display()),
        "umid=machine".to_owned(),
        "con=null".to_owned(),
        "con0=null,fd:1".to_owned(),
        "ssl=null".to_owned(),
        "ssl0=fd:0".to_owned(),
    ];
    // The memory's file is nameless; on a disk the kernel would write it out for nothing.
    let memory = in_memory().unwrap_or_else(|| folder.to_owned());
    let program =
        Program::new("setpriv").arguments(words).arguments(pinned.into_iter().flatten().chain(own)).directory(folder);
    program.variable("TMPDIR", memory)
}

fn script(config: &Config, init: &Path, name: &str) -> String {
    let writable: Vec<String> = config.writable.iter().map(|path| quoted(&path.display().to_string())).collect();
    let agent: Vec<String> = config.agent.iter().map(|word| quoted(word)).collect();
    INIT.replace("@writable@", &writable.join(" "))
        .replace("@script@", &quoted(&init.display().to_string()))
        .replace("@modules@", &MODULES.join(" "))
        .replace("@name@", &quoted(name))
        .replace("@agent@", &agent.join(" "))
}

fn write_script(path: &Path, text: &str) -> Result<()> {
    let write = || -> io::Result<()> {
        fs::write(path, text)?;
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700))
    };
    write().map_err(Error::io(format!("cannot write {}", path.display())))
}

/// A word of a shell's, whatever is in it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::{Booter, Config, quoted};

    #[test]
    fn what_some_processors_need_compiles() {
        let folder = tempfile::tempdir().unwrap();
        let within = folder.path().to_owned();
        let booter = Booter::new(Config { within, agent: Vec::new(), writable: Vec::new(), memory_mib: 0 });
        assert!(booter.compile().unwrap().exists());
    }

    #[test]
    fn a_word_stays_one() {
        assert_eq!(quoted("/a b/it's"), r"'/a b/it'\''s'");
    }
}
