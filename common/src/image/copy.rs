//! Copying bytes, but not zeros.

use std::{
    fs::File,
    io::{self, Seek},
    ops::Range,
    os::unix::fs::FileExt,
};

use rustix::{fs::SeekFrom, io::Errno};

use super::error::ImageError;
use crate::{
    driver::{OpCtx, Progress},
    units::ByteCount,
};

/// Bytes copied between two looks at the context.
const CHUNK_BYTES: u64 = 1 << 20;
/// The unit in which zeros are left out: what file systems and thin pools can leave unallocated at best.
const BLOCK_BYTES: usize = 4096;
static ZEROS: [u8; BLOCK_BYTES] = [0; BLOCK_BYTES];

/// Copies the first `len` bytes of `source` to the same place of `target`, which must read zero there: holes and
/// blocks of zeros are passed over. Files and block devices will do, and their positions are of no account. Blocking;
/// reports progress and looks at `ctx` at each MiB. Does not flush.
///
/// # Errors
/// [`ImageError::ShortSource`], [`ImageError::Stopped`], [`ImageError::Io`]. The target is part-way then.
pub fn copy_sparse(ctx: &OpCtx, source: &File, target: &File, len: ByteCount) -> Result<(), ImageError> {
    let len = len.bytes();
    check_length(source, len)?;
    let mut buffer = vec![0; usize::try_from(CHUNK_BYTES.min(len)).expect("a chunk is small")];
    let mut done = 0;
    while done < len {
        ctx.check()?;
        ctx.report(Progress { done, total: len });
        let data = next_data(source, done, len)?;
        done = data.end;
        let mut at = data.start;
        while at < data.end {
            let bytes = usize::try_from(CHUNK_BYTES.min(data.end - at)).expect("a chunk is small");
            let chunk = &mut buffer[..bytes];
            source.read_exact_at(chunk, at).map_err(|error| short_or_io(error, source, len))?;
            write_blocks(target, chunk, at).map_err(ImageError::io("write the copy"))?;
            at += bytes as u64;
            ctx.check()?;
            ctx.report(Progress { done: at, total: len });
        }
    }
    // Behind the end there seems to be a hole, too: a source that was cut meanwhile shows only here.
    check_length(source, len)?;
    ctx.report(Progress { done: len, total: len });
    Ok(())
}

/// How many bytes a file or block device has.
pub(super) fn length(file: &File) -> io::Result<u64> {
    let metadata = file.metadata()?;
    if metadata.is_file() { Ok(metadata.len()) } else { (&*file).seek(io::SeekFrom::End(0)) }
}

fn check_length(source: &File, wanted: u64) -> Result<(), ImageError> {
    let end = length(source).map_err(ImageError::io("look at the source"))?;
    if end < wanted { Err(ImageError::ShortSource { end, wanted }) } else { Ok(()) }
}

fn short_or_io(error: io::Error, source: &File, wanted: u64) -> ImageError {
    match check_length(source, wanted) {
        Err(short @ ImageError::ShortSource { .. }) => short,
        Ok(()) | Err(_) => ImageError::Io { doing: "read the source", source: error },
    }
}

/// The next range at or behind `from` that may hold something else than zeros; empty at `len` if there is none.
fn next_data(source: &File, from: u64, len: u64) -> Result<Range<u64>, ImageError> {
    let start = match rustix::fs::seek(source, SeekFrom::Data(from)) {
        Ok(start) if start < len => start,
        Ok(_) | Err(Errno::NXIO) => return Ok(len..len),
        // No such question can be asked of this file system: everything may be data.
        Err(Errno::INVAL | Errno::OPNOTSUPP | Errno::NOSYS) => return Ok(from..len),
        Err(error) => return Err(ImageError::Io { doing: "look for data in the source", source: error.into() }),
    };
    match rustix::fs::seek(source, SeekFrom::Hole(start)) {
        Ok(end) if end > start => Ok(start..end.min(len)),
        // Changed under our hands, or not supported: reading will tell.
        Ok(_) | Err(_) => Ok(start..len),
    }
}

/// Writes the runs of blocks that are not all zero.
fn write_blocks(target: &File, chunk: &[u8], at: u64) -> io::Result<()> {
    let mut run = 0..0;
    for block in chunk.chunks(BLOCK_BYTES) {
        let end = run.end + block.len();
        if *block == ZEROS[..block.len()] {
            write_run(target, chunk, at, &run)?;
            run = end..end;
        } else {
            run.end = end;
        }
    }
    write_run(target, chunk, at, &run)
}

fn write_run(target: &File, chunk: &[u8], at: u64, run: &Range<usize>) -> io::Result<()> {
    if run.is_empty() { Ok(()) } else { target.write_all_at(&chunk[run.clone()], at + run.start as u64) }
}
