//! What the tests of this module share: real images, made by `qemu-img`.

mod hostile;
mod transfer;

use std::{
    fs::{File, OpenOptions},
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
    time::Duration,
};

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::{ImageFormat, qemu_img};
use crate::{
    driver::{ImageFile, OpCtx},
    ids::OpId,
    units::ByteCount,
};

const MIB: u64 = 1 << 20;

/// Options that make each kind of qcow2 there is.
const HONEST: [&str; 10] = [
    "compat=0.10",
    "compat=1.1",
    "cluster_size=512",
    "cluster_size=2M",
    "extended_l2=on,cluster_size=128k",
    "compression_type=zstd",
    "lazy_refcounts=on",
    "refcount_bits=1",
    "preallocation=metadata",
    "preallocation=falloc",
];

fn ctx() -> OpCtx {
    OpCtx::new(OpId::new(), Duration::from_secs(120), CancellationToken::new())
}

fn cancelled() -> OpCtx {
    let cancel = CancellationToken::new();
    cancel.cancel();
    OpCtx::new(OpId::new(), Duration::from_secs(120), cancel)
}

fn size(bytes: u64) -> ByteCount {
    ByteCount::new(bytes).expect("a small size")
}

/// A directory of the test's own.
struct Lab(TempDir);

impl Lab {
    fn new() -> Self {
        Self(TempDir::new().expect("a temporary directory"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn image(&self, name: &str, format: ImageFormat) -> ImageFile {
        ImageFile { path: self.path(name), format }
    }

    /// A new file of that many zeros, none of them allocated.
    fn empty(&self, name: &str, bytes: u64) -> File {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create_new(true).open(self.path(name)).expect("a new file");
        file.set_len(bytes).expect("a sparse file");
        file
    }

    /// A disk with some data between long holes, and data that is zeros.
    fn patterned(&self, name: &str, bytes: u64) -> File {
        let file = self.empty(name, bytes);
        for (number, at) in [(1_u8, 0), (2, 70_000), (3, bytes / 2), (4, bytes - 5000)] {
            file.write_all_at(&vec![number; 5000], at).expect("room");
        }
        let zeros = usize::try_from(bytes / 8).expect("small");
        file.write_all_at(&vec![0; zeros], bytes / 4).expect("room");
        file
    }

    fn write(&self, name: &str, bytes: &[u8]) -> File {
        std::fs::write(self.path(name), bytes).expect("room");
        self.open(name)
    }

    fn open(&self, name: &str) -> File {
        OpenOptions::new().read(true).write(true).open(self.path(name)).expect("it is there")
    }

    fn names(&self) -> Vec<String> {
        let entries = self.0.path().read_dir().expect("readable");
        let mut names: Vec<_> =
            entries.map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned()).collect();
        names.sort_unstable();
        names
    }

    /// Runs `qemu-img`; an argument that starts with `@` is a file of this directory.
    async fn qemu_img(&self, args: &[&str]) {
        let program = qemu_img().unwrap_or_else(|missing| panic!("{missing}"));
        let args = args.iter().map(|arg| match arg.split_once('@') {
            Some((before, name)) => format!("{before}{}", self.path(name).display()),
            None => (*arg).to_owned(),
        });
        program.run(args).output(&ctx()).await.unwrap_or_else(|error| panic!("{error}"));
    }
}

fn bytes_of(path: &Path) -> Vec<u8> {
    std::fs::read(path).expect("readable")
}

fn allocated(file: &File) -> u64 {
    file.metadata().expect("metadata").blocks() * 512
}
