//! Making a range read zero.

use std::{fs::File, ops::Range};

use super::{
    buffer::BLOCK,
    crew::{self, Piece},
    error::BytesError,
    medium::Medium,
    pace::Pace,
};
use crate::driver::OpCtx;

/// Bytes zeroed at once: some tenths of a second on a slow disk that has no command for it.
pub(super) const ZERO_BYTES: u64 = 32 << 20;

/// Makes `range` of `target` read zero: by the device itself where it can, else by writing. Either way the bytes that
/// were there are gone for every reader, and room that the target has stays its own.
///
/// # Errors
/// [`BytesError`]. Some of the range is zero then.
pub fn zero(ctx: &OpCtx, pace: &Pace, target: &File, range: Range<u64>) -> Result<(), BytesError> {
    let medium = Medium::changing(target).map_err(BytesError::io("look at the target"))?;
    let (mut at, most) = (range.start, pace.piece(ZERO_BYTES, BLOCK));
    let next = || {
        // Pieces end at whole blocks, whatever the first one begins with.
        let end = ((at + most) / BLOCK * BLOCK).min(range.end);
        let piece = (at < end).then(|| Piece { what: at..end, bytes: end - at, cost: end - at });
        at = end.max(at);
        Ok(piece)
    };
    // One worker: the kernel keeps the device busy by itself, and a cancel waits for one piece alone.
    let work = |(): &mut (), piece: Range<u64>| medium.zero(piece).map_err(BytesError::io("write zeros"));
    crew::run((ctx, pace), 0, next, || (), work)
}
