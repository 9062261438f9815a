//! A program that uses a volume attached by path (os-brick's `local`, or the device of a connector): it opens the path that
//! it was given, with no more rights than file modes give it.

use std::{
    fs::{File, OpenOptions},
    io::{self, Seek},
    os::unix::fs::{FileExt, FileTypeExt},
    path::Path,
    thread,
};

use ashlar_common::driver::AccessMode;
use rustix::{
    fs::{Advice, FallocateFlags},
    io::Errno,
    thread::{CapabilitySet, capabilities, set_capabilities},
};

use crate::subject::Disk;

/// An open volume.
#[derive(Debug)]
pub struct OpenFile {
    file: File,
    /// A block device, whose bytes may change under what this machine remembers of them.
    device: bool,
}

/// Opens a volume's path. On a thread of its own, which gives up root's power to override modes: rights are a
/// thread's, and a client has none of that.
///
/// # Errors
/// The path cannot be opened so.
pub fn open(path: &Path, mode: AccessMode) -> io::Result<OpenFile> {
    let opened = thread::scope(|scope| {
        let client = scope.spawn(|| {
            let mut rights = capabilities(None)?;
            rights.effective.remove(CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH);
            set_capabilities(None, rights)?;
            OpenOptions::new().read(true).write(mode == AccessMode::ReadWrite).open(path)
        });
        client.join()
    });
    let file = opened.unwrap_or_else(|_panic| Err(io::Error::other("the client panicked")))?;
    let device = file.metadata()?.file_type().is_block_device();
    Ok(OpenFile { file, device })
}

impl Disk for OpenFile {
    fn size(&self) -> io::Result<u64> {
        if self.device {
            (&self.file).seek(io::SeekFrom::End(0))
        } else {
            self.file.metadata().map(|found| found.len())
        }
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<()> {
        if self.device {
            // What is read must be what is there now: a device that was cut off would go on to read from memory.
            rustix::fs::fadvise(&self.file, 0, None, Advice::DontNeed)?;
        }
        self.file.read_exact_at(into, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        // A device ends where it ends; a file would grow.
        let end = offset.checked_add(bytes.len() as u64);
        if end.is_none_or(|end| self.size().is_ok_and(|size| end > size)) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.file.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    fn discard(&self, offset: u64, length: u64) -> io::Result<()> {
        match rustix::fs::fallocate(&self.file, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, offset, length)
        {
            Ok(()) | Err(Errno::OPNOTSUPP) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }
}
