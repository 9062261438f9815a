//! A loop device, and what really lies on it.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use crate::tools::run;

/// Enough for a disk, little enough for memory.
pub(crate) const SIZE: u64 = 8 << 20;

/// A block device of this machine.
#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) path: PathBuf,
    file: PathBuf,
    _memory: ashlar_lab::disk::Disk,
}

impl Device {
    pub(crate) fn of(byte: u8) -> Self {
        let memory = ashlar_lab::disk::Disk::of_mib(16).expect("a small disk in memory");
        let file = memory.path().join("bytes");
        fs::write(&file, vec![byte; usize::try_from(SIZE).expect("small")]).expect("bytes");
        let loops = "a loop device: the machine of the job has them";
        let path = run("losetup", &["--find", "--show", file.to_str().expect("UTF-8")]).expect(loops);
        Self { path: path.into(), file, _memory: memory }
    }

    /// What lies there, whatever a client has in its own memory.
    pub(crate) fn byte_at(&self, offset: u64) -> u8 {
        read_byte(&self.file, offset).expect("the file of the device")
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let _lost_with_the_machine = run("losetup", &["--detach", self.path.to_str().expect("UTF-8")]);
    }
}

/// One byte of a device or file.
pub(crate) fn read_byte(path: &Path, offset: u64) -> io::Result<u8> {
    let mut byte = [0];
    File::open(path)?.read_exact_at(&mut byte, offset)?;
    Ok(byte[0])
}

/// A block of bytes, durably.
pub(crate) fn write_block(path: &Path, offset: u64, byte: u8) -> io::Result<()> {
    let file = File::options().write(true).open(path)?;
    file.write_all_at(&[byte; 4096], offset)?;
    file.sync_all()
}
