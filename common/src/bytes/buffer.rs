//! Memory that a device can read and write by itself.

use std::ops::Range;

/// What addresses, offsets and lengths of uncached transfers are multiples of: no usual device asks for more. Also the
/// unit in which zeros and differences are told: what file systems and thin pools can leave unallocated at best.
pub(super) const BLOCK_BYTES: usize = 4096;
/// The same, for offsets.
pub(super) const BLOCK: u64 = BLOCK_BYTES as u64;
/// Bytes in [`zeros`].
pub(super) const ZEROS_BYTES: usize = 256 << 10;

#[repr(C, align(4096))]
struct Aligned([u8; ZEROS_BYTES]);
static ZEROS: Aligned = Aligned([0; ZEROS_BYTES]);

/// Zeros, aligned.
pub(super) fn zeros() -> &'static [u8] {
    &ZEROS.0
}

/// Bytes that begin at a multiple of [`BLOCK_BYTES`].
pub(super) struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    len: usize,
}

impl Buffer {
    /// Of `len` bytes, which read zero; whole blocks.
    pub(super) fn new(len: usize) -> Self {
        let len = len.next_multiple_of(BLOCK_BYTES);
        let bytes = vec![0; len + BLOCK_BYTES];
        // The vector is never resized, so its bytes stay where they are.
        let start = bytes.as_ptr().align_offset(BLOCK_BYTES);
        Self { bytes, start, len }
    }

    /// The first `len` bytes.
    pub(super) fn first(&mut self, len: usize) -> &mut [u8] {
        assert!(len <= self.len, "a piece is never larger than its buffer");
        &mut self.bytes[self.start..][..len]
    }
}

/// The runs of blocks of `chunk` for which `wanted` holds, with the runs between them: each as `(range, wanted)`. A gap
/// of less than `least` bytes between two wanted runs is counted as wanted, since more requests cost more than bytes.
pub(super) fn runs(
    length: usize,
    least: usize,
    wanted: impl Fn(Range<usize>) -> bool,
    mut each: impl FnMut(Range<usize>, bool) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let (mut run, mut gap) = (0..0, 0..0);
    for start in (0..length).step_by(BLOCK_BYTES) {
        let block = start..length.min(start + BLOCK_BYTES);
        if !wanted(block.clone()) {
            gap.end = block.end;
            continue;
        }
        if gap.len() >= least.max(1) {
            if !run.is_empty() {
                each(run, true)?;
            }
            each(gap, false)?;
            run = block.clone();
        }
        run.end = block.end;
        gap = block.end..block.end;
    }
    if !run.is_empty() {
        each(run, true)?;
    }
    if gap.is_empty() { Ok(()) } else { each(gap, false) }
}

#[cfg(test)]
mod tests {
    use super::{BLOCK_BYTES, Buffer, runs};

    /// Blocks as letters: `D` is wanted; what comes out is runs, `D` or `.`, by their lengths in blocks.
    fn check(blocks: &str, least: usize, expected: &str) {
        let mut seen = String::new();
        let wanted = |block: std::ops::Range<usize>| blocks.as_bytes()[block.start / BLOCK_BYTES] == b'D';
        let each = |run: std::ops::Range<usize>, is: bool| {
            seen += &format!("{}{}@{} ", if is { 'D' } else { '.' }, run.len() / BLOCK_BYTES, run.start / BLOCK_BYTES);
            Ok(())
        };
        runs(blocks.len() * BLOCK_BYTES, least * BLOCK_BYTES, wanted, each).expect("nothing fails");
        assert_eq!(seen.trim_end(), expected, "{blocks}");
    }

    #[test]
    fn runs_cover_all_and_short_gaps_join_their_neighbours() {
        check("", 0, "");
        check("DDD", 0, "D3@0");
        check("...", 0, ".3@0");
        check("D.D", 0, "D1@0 .1@1 D1@2");
        check(".D.", 0, ".1@0 D1@1 .1@2");
        check("D.D..D", 2, "D3@0 .2@3 D1@5");
        check("D.", 2, "D1@0 .1@1");
    }

    #[test]
    fn a_short_gap_at_the_begin_joins_what_follows() {
        check(".D", 2, "D2@0");
        check("..D", 2, ".2@0 D1@2");
    }

    #[test]
    fn buffers_are_aligned() {
        for len in [1, 4096, 1 << 20] {
            let mut buffer = Buffer::new(len);
            assert_eq!(buffer.first(len).as_ptr().align_offset(BLOCK_BYTES), 0);
        }
    }
}
