//! File systems to test on, mounted in a directory of their own and gone afterwards.
//!
//! Each lab is a directory of the system's temporary directory that holds a lock while its process lives. A lab whose
//! lock nobody holds was left by a killed run, and is taken down by the next.

use std::{
    fmt,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use ashlar_common::{
    driver::OpCtx,
    exec::{Lookup, Program},
    ids::OpId,
};
use rustix::fs::FlockOperation;
use tokio_util::sync::CancellationToken;

use crate::outcome::{Held, Stop};

const PREFIX: &str = "ashlar-lab-";
const MIB: u64 = 1 << 20;

/// What to mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileSystem {
    /// In memory: no disk, and no shared blocks.
    Tmpfs,
    /// On an image file, without shared blocks.
    Ext4,
    /// On an image file, with shared blocks.
    Xfs,
    /// On an image file, with shared blocks and copies on every write.
    Btrfs,
}

impl FileSystem {
    /// Its name, as `mount` has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tmpfs => "tmpfs",
            Self::Ext4 => "ext4",
            Self::Xfs => "xfs",
            Self::Btrfs => "btrfs",
        }
    }

    /// How large it is: the least that its tools accept, with some room.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        match self {
            Self::Tmpfs | Self::Ext4 => 128 * MIB,
            Self::Xfs => 320 * MIB,
            Self::Btrfs => 256 * MIB,
        }
    }

    /// What makes it on an image file: program, package, options.
    const fn maker(self) -> Option<(&'static str, &'static str, &'static [&'static str])> {
        match self {
            Self::Tmpfs => None,
            Self::Ext4 => Some(("mkfs.ext4", "e2fsprogs", &["-q", "-F", "-m", "0"])),
            Self::Xfs => Some(("mkfs.xfs", "xfsprogs", &["-q", "-f"])),
            Self::Btrfs => Some(("mkfs.btrfs", "btrfs-progs", &["-q", "-f"])),
        }
    }
}

/// A directory to test in; taken down when dropped, also by a panic.
#[derive(Debug)]
pub struct Lab {
    home: PathBuf,
    mounted: bool,
    _lock: File,
}

impl Lab {
    /// On the file system that is there (`None`), or on a new one.
    ///
    /// # Errors
    /// `NotRun` without root, loop devices or the file system's tools.
    pub async fn new(file_system: Option<FileSystem>) -> Held<Self> {
        sweep().await.map_err(not_here("take down what killed runs left"))?;
        let mut lab = Self::locked().map_err(not_here("make a directory for the lab"))?;
        if let Some(file_system) = file_system {
            lab.mount(file_system).await?;
        }
        Ok(lab)
    }

    /// An empty directory.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.home.join("mnt")
    }

    /// A place beside the file system under test.
    #[must_use]
    pub fn beside(&self, name: &str) -> PathBuf {
        self.home.join(name)
    }

    /// A home that no sweep can take for abandoned: it gets its name after its lock.
    fn locked() -> io::Result<Self> {
        let made = tempfile::Builder::new().prefix(&format!(".{PREFIX}")).tempdir()?;
        let lock = File::create(made.path().join("lock"))?;
        rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        fs::create_dir(made.path().join("mnt"))?;
        let name = made.path().file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let home = made.path().with_file_name(name.trim_start_matches('.'));
        fs::rename(made.keep(), &home)?;
        Ok(Self { home, mounted: false, _lock: lock })
    }

    async fn mount(&mut self, file_system: FileSystem) -> Held {
        let words: Vec<PathBuf> = match file_system.maker() {
            None => {
                let size = format!("size={}", file_system.bytes());
                vec!["-t".into(), file_system.name().into(), "-o".into(), size.into(), "lab".into(), self.path()]
            }
            Some((program, package, options)) => {
                let image = self.home.join("image");
                let made = File::create(&image).and_then(|file| file.set_len(file_system.bytes()));
                made.map_err(not_here("make an image file"))?;
                let options = options.iter().map(PathBuf::from).chain([image.clone()]).collect();
                run(program, package, options).await.map_err(Stop::NotRun)?;
                vec!["-o".into(), "loop".into(), image, self.path()]
            }
        };
        run("mount", "mount", words).await.map_err(|error| {
            Stop::NotRun(format!("the lab mounts file systems: run it as root, where loop devices are ({error})"))
        })?;
        self.mounted = true;
        Ok(())
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let (home, mounted) = (self.home.clone(), self.mounted);
        // A thread of its own, since the one here may be inside a runtime.
        let done =
            std::thread::spawn(move || match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime.block_on(take_down(&home, mounted)),
                Err(error) => complain(&home, &error),
            });
        if done.join().is_err() {
            complain(&self.home, &"taking it down panicked");
        }
    }
}

/// Takes down what killed runs left.
async fn sweep() -> io::Result<()> {
    for entry in fs::read_dir(std::env::temp_dir())?.flatten() {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let Ok(lock) = File::open(entry.path().join("lock")) else { continue };
        if rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
            take_down(&entry.path(), is_mounted(&entry.path().join("mnt"))).await;
        }
    }
    Ok(())
}

async fn take_down(home: &Path, mounted: bool) {
    if mounted {
        let at = home.join("mnt");
        if run("umount", "mount", vec![at.clone()]).await.is_err() {
            // Somebody still holds a file: the mount goes away when they let go.
            if let Err(error) = run("umount", "mount", vec!["-l".into(), at]).await {
                return complain(home, &error);
            }
        }
    }
    if let Err(error) = fs::remove_dir_all(home) {
        complain(home, &error);
    }
}

#[expect(
    clippy::print_stderr,
    reason = "a lab that cannot be taken down must be seen, and must not hide the test's own failure"
)]
fn complain(home: &Path, why: &dyn fmt::Display) {
    eprintln!("the lab in {} could not be taken down: {why}", home.display());
}

fn is_mounted(path: &Path) -> bool {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    mounts.lines().any(|line| line.split(' ').nth(4) == path.to_str())
}

async fn run(program: &'static str, package: &'static str, words: Vec<PathBuf>) -> Result<(), String> {
    let ctx = OpCtx::new(OpId::new(), Duration::from_secs(60), CancellationToken::new());
    let lookup = Lookup { package: Some(package), path: None };
    let program = Program::find_with(program, lookup).map_err(|error| error.to_string())?;
    let done = program.run(words).output(&ctx).await;
    done.map(drop).map_err(|error| ashlar_common::driver::Error::from(error).chain())
}

fn not_here(doing: &'static str) -> impl Fn(io::Error) -> Stop {
    move |error| Stop::NotRun(format!("cannot {doing}: {error}"))
}
