//! Copying bytes, but not zeros.

use std::{fs::File, io, ops::Range};

use rustix::{fs::SeekFrom, io::Errno};

use super::{
    buffer::{BLOCK, BLOCK_BYTES, Buffer, runs, zeros},
    crew::{self, Piece},
    error::BytesError,
    medium::{Medium, length},
    pace::Pace,
    zero::ZERO_BYTES,
};
use crate::{driver::OpCtx, units::ByteCount};

/// Bytes of data that go at once.
pub(super) const PIECE_BYTES: u64 = 1 << 20;
/// Zeros between data that are worth a request of their own, where the target reads anything.
const LEAST_ZEROS: usize = 64 << 10;

/// Zeros passed over between two looks at the context.
const MOST_SKIPPED: u64 = 1 << 30;

/// What a target reads before anything was written to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Zero: the source's zeros are not written.
    ReadsZero,
    /// Old bytes: the source's zeros are made zeros in the target, by its own way of doing that where it has one.
    ReadsAnything,
}

/// Copies the first `len` bytes of `source` to the same place of `target`. Positions of both are of no account.
///
/// # Errors
/// [`BytesError`]. The target is part-way then.
pub fn copy(
    ctx: &OpCtx,
    pace: &Pace,
    source: &File,
    target: &File,
    len: ByteCount,
    before: Target,
) -> Result<(), BytesError> {
    let bytes = len.bytes();
    check_length(source, bytes)?;
    let reader = Medium::reading(source).map_err(BytesError::io("look at the source"))?;
    let mut extents = Extents { source, len: bytes, at: 0, data: 0..0, most: pace.data_piece() };
    let read = |(): &(), chunk: &mut [u8], len: usize, at: u64| {
        reader.read_exact_at(chunk, len, at).map_err(|error| short_or_io(error, source, bytes))
    };
    copy_extents(ctx, pace, target, len, before, || extents.next(), read)?;
    // Behind the end there seems to be a hole, too: a source that was cut meanwhile shows only here.
    check_length(source, bytes)
}

/// A part of what is to be written.
pub(crate) struct Extent<T> {
    /// Where, in whole blocks but for the very end, so that no two workers share one; data are no more than
    /// [`Pace::data_piece`].
    pub(crate) range: Range<u64>,
    /// What `read` needs to know to read it; `None` where it is known to be zeros.
    pub(crate) data: Option<T>,
}

/// Writes `len` bytes to `target`: the extents that `next` gives, which follow one another, read by `read` into memory
/// of whole blocks, of which so many bytes count.
pub(crate) fn copy_extents<T, E>(
    ctx: &OpCtx,
    pace: &Pace,
    target: &File,
    len: ByteCount,
    before: Target,
    next: impl FnMut() -> Result<Option<Extent<T>>, E> + Send,
    read: impl Fn(&T, &mut [u8], usize, u64) -> Result<(), E> + Sync,
) -> Result<(), E>
where
    T: Send,
    E: From<BytesError> + Send,
{
    let writer = Medium::changing(target).map_err(BytesError::io("look at the target"))?;
    let most_zeros = if before == Target::ReadsZero { MOST_SKIPPED } else { pace.piece(ZERO_BYTES, BLOCK) };
    let mut pieces = Pieces { next, hole: 0..0, data: None, ended: false, most_zeros, before };
    let work = |buffer: &mut Buffer, extent: Extent<T>| match extent.data {
        None if before == Target::ReadsZero => Ok(()),
        None => writer.zero(extent.range).map_err(|error| BytesError::io("write zeros")(error).into()),
        Some(data) => {
            let bytes = usize::try_from(extent.range.end - extent.range.start).expect("a piece is small");
            let chunk = buffer.first(bytes.next_multiple_of(BLOCK_BYTES));
            read(&data, chunk, bytes, extent.range.start)?;
            let written = write(&writer, &chunk[..bytes], extent.range.start, before);
            written.map_err(|error| BytesError::io("write the copy")(error).into())
        }
    };
    let memory = || Buffer::new(usize::try_from(pace.data_piece().min(len.bytes())).expect("a piece is small"));
    crew::run((ctx, pace), len.bytes(), || pieces.next(), memory, work)
}

/// Writes the runs of blocks that are not all zero, and zeros where they are missed.
fn write(writer: &Medium<'_>, chunk: &[u8], at: u64, before: Target) -> io::Result<()> {
    let is_data = |block: Range<usize>| chunk[block.clone()] != zeros()[..block.len()];
    let least = if before == Target::ReadsZero { 0 } else { LEAST_ZEROS };
    runs(chunk.len(), least, is_data, |run, is_data| {
        let range = at + run.start as u64..at + run.end as u64;
        match (is_data, before) {
            (true, _) => writer.write_all_at(&chunk[run], range.start),
            (false, Target::ReadsZero) => Ok(()),
            (false, Target::ReadsAnything) => writer.zero(range),
        }
    })
}

pub(super) fn check_length(source: &File, wanted: u64) -> Result<(), BytesError> {
    let end = length(source).map_err(BytesError::io("look at the source"))?;
    if end < wanted { Err(BytesError::ShortSource { end, wanted }) } else { Ok(()) }
}

pub(super) fn short_or_io(error: io::Error, source: &File, wanted: u64) -> BytesError {
    match check_length(source, wanted) {
        Err(short @ BytesError::ShortSource { .. }) => short,
        Ok(()) | Err(_) => BytesError::Io { doing: "read the source", source: error },
    }
}

/// Holes that follow one another are one piece, up to a length; data are a piece each.
struct Pieces<T, N> {
    next: N,
    hole: Range<u64>,
    data: Option<Extent<T>>,
    ended: bool,
    most_zeros: u64,
    before: Target,
}

impl<T, N> Pieces<T, N> {
    fn next<E>(&mut self) -> Result<Option<Piece<Extent<T>>>, E>
    where
        N: FnMut() -> Result<Option<Extent<T>>, E>,
    {
        loop {
            let bytes = self.hole.end - self.hole.start;
            if bytes >= self.most_zeros || (bytes > 0 && (self.ended || self.data.is_some())) {
                let bytes = bytes.min(self.most_zeros);
                let range = self.hole.start..self.hole.start + bytes;
                self.hole.start = range.end;
                let cost = if self.before == Target::ReadsZero { 0 } else { bytes };
                return Ok(Some(Piece { what: Extent { range, data: None }, bytes, cost }));
            }
            if let Some(extent) = self.data.take() {
                let bytes = extent.range.end - extent.range.start;
                return Ok(Some(Piece { what: extent, bytes, cost: bytes }));
            }
            if self.ended {
                return Ok(None);
            }
            match (self.next)()? {
                None => self.ended = true,
                Some(extent) if extent.data.is_some() => self.data = Some(extent),
                Some(Extent { range, .. }) if bytes == 0 => self.hole = range,
                Some(Extent { range, .. }) => self.hole.end = range.end,
            }
        }
    }
}

/// A source's data and holes.
struct Extents<'a> {
    source: &'a File,
    len: u64,
    at: u64,
    /// Known to be data, from `at` on or later.
    data: Range<u64>,
    most: u64,
}

impl Extents<'_> {
    fn next(&mut self) -> Result<Option<Extent<()>>, BytesError> {
        if self.at >= self.len {
            return Ok(None);
        }
        if self.at >= self.data.end {
            let data = next_data(self.source, self.at, self.len)?;
            let start = (data.start / BLOCK * BLOCK).max(self.at);
            self.data = start..data.end.next_multiple_of(BLOCK).min(self.len);
        }
        let at = self.at;
        let is_hole = at < self.data.start;
        self.at = if is_hole { self.data.start } else { self.data.end.min(at + self.most) };
        Ok(Some(Extent { range: at..self.at, data: (!is_hole).then_some(()) }))
    }
}

/// The next range at or behind `from` that may hold something else than zeros; empty at `len` if there is none.
fn next_data(source: &File, from: u64, len: u64) -> Result<Range<u64>, BytesError> {
    let start = match rustix::fs::seek(source, SeekFrom::Data(from)) {
        Ok(start) if start < len => start,
        Ok(_) | Err(Errno::NXIO) => return Ok(len..len),
        // No such question can be asked of this file system: everything may be data.
        Err(Errno::INVAL | Errno::OPNOTSUPP | Errno::NOSYS) => return Ok(from..len),
        Err(error) => return Err(BytesError::Io { doing: "look for data in the source", source: error.into() }),
    };
    match rustix::fs::seek(source, SeekFrom::Hole(start)) {
        Ok(end) if end > start => Ok(start..end.min(len)),
        // Changed under our hands, or not supported: reading will tell.
        Ok(_) | Err(_) => Ok(start..len),
    }
}
