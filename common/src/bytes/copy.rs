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
    let len = len.bytes();
    check_length(source, len)?;
    let reader = Medium::reading(source).map_err(BytesError::io("look at the source"))?;
    let writer = Medium::changing(target).map_err(BytesError::io("look at the target"))?;
    let most = pace.piece(PIECE_BYTES, BLOCK);
    let mut pieces = Pieces { source, len, at: 0, data: 0..0, most, before };
    let copy = |buffer: &mut Buffer, part: Part| match part {
        Part::Hole(_) if before == Target::ReadsZero => Ok(()),
        Part::Hole(range) => writer.zero(range).map_err(BytesError::io("write zeros")),
        Part::Data(range) => {
            let bytes = usize::try_from(range.end - range.start).expect("a piece is small");
            let chunk = buffer.first(bytes.next_multiple_of(BLOCK_BYTES));
            reader.read_exact_at(chunk, bytes, range.start).map_err(|error| short_or_io(error, source, len))?;
            write(&writer, &chunk[..bytes], range.start, before).map_err(BytesError::io("write the copy"))
        }
    };
    let memory = || Buffer::new(usize::try_from(most.min(len)).expect("a piece is small"));
    crew::run((ctx, pace), len, || pieces.next(), memory, copy)?;
    // Behind the end there seems to be a hole, too: a source that was cut meanwhile shows only here.
    check_length(source, len)
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

enum Part {
    /// May be anything.
    Data(Range<u64>),
    /// Reads zero.
    Hole(Range<u64>),
}

/// A source's data and holes, in pieces that begin and end at whole blocks (but for the source's end), so that no two
/// workers share one.
struct Pieces<'a> {
    source: &'a File,
    len: u64,
    at: u64,
    /// Known to be data, from `at` on or later.
    data: Range<u64>,
    most: u64,
    before: Target,
}

impl Pieces<'_> {
    fn next(&mut self) -> Result<Option<Piece<Part>>, BytesError> {
        if self.at >= self.len {
            return Ok(None);
        }
        if self.at >= self.data.end {
            let data = next_data(self.source, self.at, self.len)?;
            let start = (data.start / BLOCK * BLOCK).max(self.at);
            self.data = start..data.end.next_multiple_of(BLOCK).min(self.len);
        }
        let at = self.at;
        let piece = if at < self.data.start {
            let most = if self.before == Target::ReadsZero { u64::MAX } else { ZERO_BYTES };
            self.at = self.data.start.min(at.saturating_add(most));
            let bytes = self.at - at;
            Piece {
                what: Part::Hole(at..self.at),
                bytes,
                cost: if self.before == Target::ReadsZero { 0 } else { bytes },
            }
        } else {
            self.at = self.data.end.min(at + self.most);
            Piece { what: Part::Data(at..self.at), bytes: self.at - at, cost: self.at - at }
        };
        Ok(Some(piece))
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
