//! Copying an image whose clusters are in the file as they are on the disk: no program needs to unpack them.
//!
//! The tables are read again here, and the file may have changed since they were found good. So nothing of them is
//! believed: what they lead to is a place in this file, or an error.

use std::{fs::File, io, os::unix::fs::FileExt};

use super::{
    fault::Qcow2Fault,
    header::Header,
    map::{OFFSET_MASK, READS_ZERO, SUBCLUSTERS, is_plain, longs},
};
use crate::{
    bytes::{Extent, Pace, Target, copy_extents},
    driver::OpCtx,
    image::ImageError,
};

/// Writes the disk in `image`, which was found plain, to `target`.
pub(in crate::image) fn copy_plain(
    ctx: &OpCtx,
    pace: &Pace,
    image: &File,
    header: &Header,
    target: &File,
    before: Target,
) -> Result<(), ImageError> {
    let mut tables = Tables { image, header, at: 0, most: pace.data_piece(), number: None, entries: Vec::new() };
    let read = |segments: &Vec<Segment>, chunk: &mut [u8], len: usize, at: u64| {
        let mut filled = 0;
        for segment in segments {
            chunk[filled..segment.start].fill(0);
            filled = segment.start + segment.len;
            let guest_offset = at + segment.start as u64;
            image
                .read_exact_at(&mut chunk[segment.start..filled], segment.offset)
                .map_err(|error| cut_or_io(error, guest_offset))?;
        }
        chunk[filled..len].fill(0);
        Ok(())
    };
    copy_extents(ctx, pace, target, header.virtual_size, before, || tables.next(), read)
}

/// Bytes that follow one another both in the file and on the disk.
struct Segment {
    /// Where, in its piece of the disk.
    start: usize,
    len: usize,
    /// Where, in the file.
    offset: u64,
}

/// The disk in order, as the tables have it.
struct Tables<'a> {
    image: &'a File,
    header: &'a Header,
    at: u64,
    most: u64,
    /// The second-level table that `entries` is; empty where there is none.
    number: Option<u64>,
    entries: Vec<u64>,
}

impl Tables<'_> {
    fn next(&mut self) -> Result<Option<Extent<Vec<Segment>>>, ImageError> {
        let (at, size) = (self.at, self.header.virtual_size.bytes());
        if at >= size {
            return Ok(None);
        }
        let end = size.min(at + self.most);
        let mut segments: Vec<Segment> = Vec::new();
        let mut guest = at;
        while guest < end {
            let (place, unit_end) = self.place(guest)?;
            if place.is_none() && segments.is_empty() && unit_end >= end {
                // All of a table or a cluster, which may be far more than a piece; whole pieces of it.
                let whole = (unit_end.min(size) - at) / self.most * self.most;
                self.at = end.max(at + whole);
                return Ok(Some(Extent { range: at..self.at, data: None }));
            }
            let len = usize::try_from(unit_end.min(end) - guest).expect("a piece is small");
            if let Some(offset) = place {
                let start = usize::try_from(guest - at).expect("a piece is small");
                match segments.last_mut() {
                    Some(last) if last.start + last.len == start && last.offset + last.len as u64 == offset => {
                        last.len += len;
                    }
                    _ => segments.push(Segment { start, len, offset }),
                }
            }
            guest += len as u64;
        }
        self.at = end;
        Ok(Some(Extent { range: at..end, data: (!segments.is_empty()).then_some(segments) }))
    }

    /// Where in the file the byte at `guest` is, if it is in it; and up to where the same holds.
    fn place(&mut self, guest: u64) -> Result<(Option<u64>, u64), ImageError> {
        let (table_bytes, cluster) = (self.header.bytes_per_l2_table(), self.header.cluster_bytes());
        let (number, within) = (guest / table_bytes, guest % table_bytes);
        self.load(number)?;
        if self.entries.is_empty() {
            return Ok((None, (number + 1) * table_bytes));
        }
        let (index, within) = (usize::try_from(within / cluster).expect("tables are small"), within % cluster);
        let damaged = Qcow2Fault::Misplaced { guest_offset: guest };
        let (entry, bitmap) = if self.header.extended_l2 {
            (self.entries.get(2 * index), self.entries.get(2 * index + 1))
        } else {
            (self.entries.get(index), None)
        };
        let (entry, bitmap) = (*entry.ok_or(damaged)?, bitmap.copied());
        if !is_plain(self.header, entry, bitmap) {
            return Err(damaged.into());
        }
        let (unit, held) = match bitmap {
            Some(bitmap) => {
                let part = cluster / SUBCLUSTERS;
                (part, bitmap >> (within / part) & 1 == 1)
            }
            None => (cluster, entry & READS_ZERO == 0 && entry & OFFSET_MASK != 0),
        };
        let place = held.then(|| (entry & OFFSET_MASK) + within);
        Ok((place, guest - guest % unit + unit))
    }

    /// Has `entries` be those of a second-level table.
    fn load(&mut self, number: u64) -> Result<(), ImageError> {
        if self.number == Some(number) {
            return Ok(());
        }
        let guest_offset = number * self.header.bytes_per_l2_table();
        let cut = |error| cut_or_io(error, guest_offset);
        let mut entry = [0; 8];
        self.image.read_exact_at(&mut entry, self.header.l1_table_offset + number * 8).map_err(cut)?;
        let offset = u64::from_be_bytes(entry) & OFFSET_MASK;
        self.entries.clear();
        if offset != 0 {
            let mapped = self.header.bytes_per_l2_table().min(self.header.virtual_size.bytes() - guest_offset);
            let bytes = mapped.div_ceil(self.header.cluster_bytes()) * self.header.l2_entry_bytes();
            let mut table = vec![0; usize::try_from(bytes).expect("tables have at most 2 MiB")];
            self.image.read_exact_at(&mut table, offset).map_err(cut)?;
            self.entries.extend(longs(&table));
        }
        self.number = Some(number);
        Ok(())
    }
}

/// The file was whole when its tables were looked through.
fn cut_or_io(error: io::Error, guest_offset: u64) -> ImageError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Qcow2Fault::CutOff { guest_offset }.into(),
        _ => ImageError::Io { doing: "read the image", source: error },
    }
}
