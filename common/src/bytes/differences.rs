//! Making one the same as another by writing what differs.

use std::{fs::File, ops::Range};

use super::{
    buffer::{BLOCK_BYTES, Buffer, runs},
    copy::{check_length, short_or_io},
    crew::{self, Piece},
    error::BytesError,
    medium::Medium,
    pace::Pace,
};
use crate::{driver::OpCtx, units::ByteCount};

/// Writes to `target` those blocks of the first `len` bytes of `source` that differ. What is written to a volume with
/// snapshots has to be copied for them, and what is the same need not be.
///
/// # Errors
/// [`BytesError`]. The target is part-way then.
pub fn copy_differences(
    ctx: &OpCtx,
    pace: &Pace,
    source: &File,
    target: &File,
    len: ByteCount,
) -> Result<(), BytesError> {
    let len = len.bytes();
    check_length(source, len)?;
    let reader = Medium::reading(source).map_err(BytesError::io("look at the source"))?;
    let writer = Medium::changing(target).map_err(BytesError::io("look at the target"))?;
    let most = pace.data_piece();
    let mut at = 0;
    let next = || {
        let end = len.min(at + most);
        let piece = (at < end).then(|| Piece { what: at..end, bytes: end - at, cost: end - at });
        at = end;
        Ok(piece)
    };
    let copy = |(wanted, found): &mut (Buffer, Buffer), range: Range<u64>| {
        let bytes = usize::try_from(range.end - range.start).expect("a piece is small");
        let whole = bytes.next_multiple_of(BLOCK_BYTES);
        let (wanted, found) = (wanted.first(whole), found.first(whole));
        reader.read_exact_at(wanted, bytes, range.start).map_err(|error| short_or_io(error, source, len))?;
        writer.read_exact_at(found, bytes, range.start).map_err(BytesError::io("read the target"))?;
        let differs = |block: Range<usize>| wanted[block.clone()] != found[block];
        runs(bytes, 0, differs, |run, differs| {
            if differs { writer.write_all_at(&wanted[run.clone()], range.start + run.start as u64) } else { Ok(()) }
        })
        .map_err(BytesError::io("write the differences"))
    };
    let buffer = || Buffer::new(usize::try_from(most.min(len)).expect("a piece is small"));
    crew::run((ctx, pace), len, next, || (buffer(), buffer()), copy)
}
