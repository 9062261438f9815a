//! Files and block devices, as they are best read and written.

use std::{
    fs::File,
    io::{self, Seek, SeekFrom},
    ops::Range,
    os::{
        fd::AsRawFd,
        unix::fs::{FileExt, FileTypeExt},
    },
};

use rustix::{
    fs::{Advice, FallocateFlags, Mode, OFlags},
    io::Errno,
};

use super::buffer::{BLOCK, BLOCK_BYTES, zeros};

/// The smallest unit that any device can be asked for.
const SECTOR: u64 = 512;

/// How many bytes a file or block device has.
///
/// # Errors
/// What the system says.
pub fn length(file: &File) -> io::Result<u64> {
    let metadata = file.metadata()?;
    if metadata.is_file() { Ok(metadata.len()) } else { (&*file).seek(SeekFrom::End(0)) }
}

/// Waits until all that was written is on disk. Of a block device nothing stays in memory either, where it would hide
/// what is written to it by another way.
///
/// # Errors
/// What the system says; something that was written may be lost then.
pub fn settle(file: &File) -> io::Result<()> {
    file.sync_data()?;
    if is_block_device(file)? {
        forget(file)?;
    }
    Ok(())
}

fn forget(file: &File) -> io::Result<()> {
    Ok(rustix::fs::fadvise(file, 0, None, Advice::DontNeed)?)
}

fn is_block_device(file: &File) -> io::Result<bool> {
    Ok(file.metadata()?.file_type().is_block_device())
}

/// A file or block device. Of the latter, a second description passes the page cache by.
pub(super) struct Medium<'a> {
    file: &'a File,
    direct: Option<File>,
    is_block_device: bool,
}

impl<'a> Medium<'a> {
    pub(super) fn reading(file: &'a File) -> io::Result<Self> {
        Self::new(file, OFlags::RDONLY)
    }

    pub(super) fn changing(file: &'a File) -> io::Result<Self> {
        Self::new(file, OFlags::RDWR)
    }

    fn new(file: &'a File, access: OFlags) -> io::Result<Self> {
        let is_block_device = is_block_device(file)?;
        let mut direct = None;
        if is_block_device {
            // A description of its own: the flag would hold for all who share the caller's.
            let path = format!("/proc/self/fd/{}", file.as_raw_fd());
            direct = rustix::fs::open(path, access | OFlags::DIRECT | OFlags::CLOEXEC, Mode::empty()).ok();
            if direct.is_none() {
                forget(file)?;
            }
        }
        Ok(Self { file, direct: direct.map(File::from), is_block_device })
    }

    /// Fills the first `len` bytes of `buffer`. `at` is a multiple of [`BLOCK`], and `buffer` is aligned and whole
    /// blocks.
    pub(super) fn read_exact_at(&self, buffer: &mut [u8], len: usize, at: u64) -> io::Result<()> {
        let Some(direct) = &self.direct else { return self.file.read_exact_at(&mut buffer[..len], at) };
        // More than `len` is asked for, since only whole blocks can be; at the device's end it gives fewer.
        let mut done = 0;
        while done < len {
            match direct.read_at(&mut buffer[done..], at + done as u64) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(bytes) => done += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if is_unaligned(&error) => {
                    forget(self.file)?;
                    return self.file.read_exact_at(&mut buffer[..len], at);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Writes `bytes`, which are aligned, to `at`, a multiple of [`BLOCK`].
    pub(super) fn write_all_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        let whole = bytes.len() / BLOCK_BYTES * BLOCK_BYTES;
        let (blocks, rest) = bytes.split_at(whole);
        self.write_part(blocks, at)?;
        self.write_part(rest, at + whole as u64)
    }

    /// Writes by the direct way what can go there.
    fn write_part(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        if let Some(direct) = &self.direct
            && at.is_multiple_of(SECTOR)
            && (bytes.len() as u64).is_multiple_of(SECTOR)
        {
            match direct.write_all_at(bytes, at) {
                Err(error) if is_unaligned(&error) => {}
                done => return done,
            }
        }
        self.file.write_all_at(bytes, at)
    }

    /// Makes a range read zero, for good: by the device itself where it can, else by writing. Room that is there stays.
    pub(super) fn zero(&self, range: Range<u64>) -> io::Result<()> {
        // The edges are written: a device takes whole sectors alone, and its own may be as large as a block.
        let first = range.start.next_multiple_of(BLOCK).min(range.end);
        let last = (range.end / BLOCK * BLOCK).max(first);
        self.write_zeros(range.start..first)?;
        if first < last && !self.zero_blocks(first..last)? {
            self.write_zeros(first..last)?;
        }
        self.write_zeros(last..range.end)
    }

    /// Whether the kernel could do it. On a block device it sends the command for that, or zeros if there is none; with
    /// neither way does the device give up its room, so what is thick stays thick.
    fn zero_blocks(&self, range: Range<u64>) -> io::Result<bool> {
        let len = range.end - range.start;
        let holes = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        let ways = [FallocateFlags::ZERO_RANGE | FallocateFlags::KEEP_SIZE, holes];
        for way in &ways[..if self.is_block_device { 1 } else { 2 }] {
            match rustix::fs::fallocate(self.file, *way, range.start, len) {
                Ok(()) => return Ok(true),
                Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(false)
    }

    fn write_zeros(&self, range: Range<u64>) -> io::Result<()> {
        let mut at = range.start;
        while at < range.end {
            let bytes = usize::try_from(range.end - at).unwrap_or(usize::MAX).min(zeros().len());
            self.write_part(&zeros()[..bytes], at)?;
            at += bytes as u64;
        }
        Ok(())
    }
}

/// What a device says to a transfer that is finer than it can do.
fn is_unaligned(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::INVAL)
}
