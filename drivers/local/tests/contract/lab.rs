//! File systems to test on, made in image files and gone afterwards.
//!
//! Each lab is a directory of the system's temporary directory that holds a lock while its process lives. A lab whose
//! lock nobody holds was left by a killed run, and is taken down by the next.

use std::{
    fs::{self, File},
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

const PREFIX: &str = "ashlar-local-lab-";

/// What to put into the image file.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FileSystem {
    Ext4,
    Xfs,
    Btrfs,
}

impl FileSystem {
    fn maker(self) -> (&'static str, &'static str, &'static [&'static str]) {
        match self {
            Self::Ext4 => ("mkfs.ext4", "e2fsprogs", &["-q", "-F", "-m", "0"]),
            Self::Xfs => ("mkfs.xfs", "xfsprogs", &["-q", "-f"]),
            Self::Btrfs => ("mkfs.btrfs", "btrfs-progs", &["-q", "-f"]),
        }
    }

    /// The least that the tools accept, with some room.
    fn bytes(self) -> u64 {
        match self {
            Self::Ext4 => 128 << 20,
            Self::Xfs => 320 << 20,
            Self::Btrfs => 256 << 20,
        }
    }
}

/// A directory to test in; taken down when dropped, also by a panic.
#[derive(Debug)]
pub(crate) struct Lab {
    home: PathBuf,
    mounted: bool,
    _lock: File,
}

impl Lab {
    /// On the file system that is there (`None`), or on a new one.
    pub(crate) async fn new(file_system: Option<FileSystem>) -> Self {
        sweep().await;
        let mut lab = Self::locked();
        if let Some(file_system) = file_system {
            let (program, package, options) = file_system.maker();
            let image = lab.home.join("image");
            File::create(&image).and_then(|file| file.set_len(file_system.bytes())).expect("an image file");
            let mut words: Vec<_> = options.iter().map(|word| PathBuf::from(*word)).collect();
            words.push(image.clone());
            run(program, package, words).await.expect("the lab needs the tools of its file system");
            run("mount", "mount", vec!["-o".into(), "loop".into(), image, lab.path()])
                .await
                .expect("the lab mounts image files: run the tests as root, on a machine with loop devices");
            lab.mounted = true;
        }
        lab
    }

    /// An empty directory.
    pub(crate) fn path(&self) -> PathBuf {
        self.home.join("mnt")
    }

    /// A place beside the file system under test.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.home.join(name)
    }

    /// A home that no sweep can take for abandoned: it gets its name after its lock.
    fn locked() -> Self {
        let made = tempfile::Builder::new().prefix(&format!(".{PREFIX}")).tempdir().expect("a temporary directory");
        let lock = File::create(made.path().join("lock")).expect("a file");
        rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).expect("nobody else knows it");
        fs::create_dir(made.path().join("mnt")).expect("a directory");
        let unique = made.path().file_name().and_then(|name| name.to_str()).expect("a name").trim_start_matches('.');
        let home = made.path().with_file_name(unique);
        fs::rename(made.keep(), &home).expect("a new name");
        Self { home, mounted: false, _lock: lock }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let (home, mounted) = (self.home.clone(), self.mounted);
        // A thread of its own, since the one here may be inside a runtime.
        let done = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(take_down(&home, mounted));
        });
        done.join().expect("taking the lab down does not panic");
    }
}

/// Takes down what killed runs left.
async fn sweep() {
    for entry in fs::read_dir(std::env::temp_dir()).expect("the temporary directory can be read").flatten() {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let Ok(lock) = File::open(entry.path().join("lock")) else { continue };
        if rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
            take_down(&entry.path(), is_mounted(&entry.path().join("mnt"))).await;
        }
    }
}

#[expect(
    clippy::print_stderr,
    reason = "a lab that cannot be taken down must be seen, and must not hide the test's own failure"
)]
async fn take_down(home: &Path, mounted: bool) {
    if mounted {
        let at = home.join("mnt");
        if run("umount", "mount", vec![at.clone()]).await.is_err() {
            // Somebody still holds a file: the mount goes away when they let go.
            if let Err(error) = run("umount", "mount", vec!["-l".into(), at]).await {
                eprintln!("left mounted: {error}");
                return;
            }
        }
    }
    if let Err(error) = fs::remove_dir_all(home) {
        eprintln!("left behind: {}: {error}", home.display());
    }
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
