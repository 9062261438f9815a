//! The tables that say where the disk's bytes are in the file.
//!
//! QEMU reads zeros where a table points beyond the end of the file, so that an image cut off in transfer would turn
//! into a volume with holes and nobody told. The walk here finds that before a byte is copied.

use std::{fs::File, os::unix::fs::FileExt};

use super::{fault::Qcow2Fault, header::Header};
use crate::{driver::OpCtx, image::ImageError};

pub(super) const OFFSET_MASK: u64 = 0x00ff_ffff_ffff_fe00;
/// Nothing but this entry refers to the cluster; of no account for reading.
const IN_USE_ONCE: u64 = 1 << 63;
const COMPRESSED: u64 = 1 << 62;
pub(super) const READS_ZERO: u64 = 1 << 0;
/// First-level entries read at a time.
const L1_ENTRIES_AT_ONCE: u64 = 8192;
/// Parts of a cluster that an extended entry has a bit each for.
pub(super) const SUBCLUSTERS: u64 = 32;
const SECTOR_BYTES: u64 = 512;

/// Checks that each cluster which the tables name is in the file, and says whether it is there as it is on the disk:
/// nothing is compressed, and nothing is such that QEMU had better say what it means. Blocking; reads the tables and no
/// data.
///
/// # Errors
/// [`ImageError::Refused`] if one is not, [`ImageError::Stopped`], [`ImageError::Io`].
pub(in crate::image) fn check_clusters(ctx: &OpCtx, file: &File, header: &Header) -> Result<bool, ImageError> {
    let walk = Walk { file, header, file_bytes: file.metadata().map_err(ImageError::io("look at the image"))?.len() };
    let mut plain = true;
    let mut index = 0;
    while index < header.l1_entries {
        let count = L1_ENTRIES_AT_ONCE.min(header.l1_entries - index);
        let table = walk.read(header.l1_table_offset + index * 8, count * 8)?;
        for (entry, number) in longs(&table).zip(index..) {
            ctx.check()?;
            plain &= walk.check_l2_table(entry, number * header.bytes_per_l2_table())?;
        }
        index += count;
    }
    Ok(plain)
}

struct Walk<'a> {
    file: &'a File,
    header: &'a Header,
    file_bytes: u64,
}

impl Walk<'_> {
    fn check_l2_table(&self, l1_entry: u64, first_guest_offset: u64) -> Result<bool, ImageError> {
        let offset = l1_entry & OFFSET_MASK;
        if offset == 0 {
            return Ok(true);
        }
        let cluster = self.header.cluster_bytes();
        let mapped = (self.header.virtual_size.bytes() - first_guest_offset).min(self.header.bytes_per_l2_table());
        let bytes = mapped.div_ceil(cluster) * self.header.l2_entry_bytes();
        self.check_place(offset, bytes, first_guest_offset)?;
        let table = self.read(offset, bytes)?;
        let mut numbers = longs(&table);
        let mut guest_offset = first_guest_offset;
        let mut plain = true;
        while let Some(entry) = numbers.next() {
            let bitmap = if self.header.extended_l2 { numbers.next() } else { None };
            self.check_cluster(entry, bitmap, guest_offset)?;
            plain &= is_plain(self.header, entry, bitmap);
            guest_offset += cluster;
        }
        Ok(plain)
    }

    fn check_cluster(&self, entry: u64, bitmap: Option<u64>, guest_offset: u64) -> Result<(), Qcow2Fault> {
        if entry & COMPRESSED != 0 {
            return self.check_compressed(entry, guest_offset);
        }
        let offset = entry & OFFSET_MASK;
        let cluster = self.header.cluster_bytes();
        let held = match bitmap {
            // The low half has a bit for each part that is in the file: all up to the last of them must be there.
            Some(bitmap) => {
                let allocated = bitmap & u64::from(u32::MAX);
                u64::from(u64::BITS - allocated.leading_zeros()) * (cluster / SUBCLUSTERS)
            }
            None if entry & READS_ZERO != 0 => 0,
            None => cluster,
        };
        if offset == 0 || held == 0 {
            return Ok(());
        }
        // A writer may leave out what lies behind the end of the disk.
        self.check_place(offset, held.min(self.header.virtual_size.bytes() - guest_offset), guest_offset)
    }

    /// Compressed data starts anywhere and is measured in sectors, the last of which need not be full.
    fn check_compressed(&self, entry: u64, guest_offset: u64) -> Result<(), Qcow2Fault> {
        let size_bits = self.header.cluster_bits - 8;
        let offset_bits = 62 - size_bits;
        let offset = entry & ((1 << offset_bits) - 1);
        let more_sectors = (entry >> offset_bits) & ((1 << size_bits) - 1);
        let last_sector = offset - offset % SECTOR_BYTES + more_sectors * SECTOR_BYTES;
        if last_sector.max(offset) >= self.file_bytes {
            return Err(Qcow2Fault::CutOff { guest_offset });
        }
        Ok(())
    }

    fn check_place(&self, offset: u64, bytes: u64, guest_offset: u64) -> Result<(), Qcow2Fault> {
        if !offset.is_multiple_of(self.header.cluster_bytes()) {
            return Err(Qcow2Fault::Misplaced { guest_offset });
        }
        // Both are far below the range's end: the mask keeps 56 bits.
        if offset + bytes > self.file_bytes {
            return Err(Qcow2Fault::CutOff { guest_offset });
        }
        Ok(())
    }

    fn read(&self, at: u64, bytes: u64) -> Result<Vec<u8>, ImageError> {
        let mut table = vec![0; usize::try_from(bytes).expect("tables have at most 2 MiB")];
        self.file.read_exact_at(&mut table, at).map_err(ImageError::io("read the image's tables"))?;
        Ok(table)
    }
}

/// Whether an entry is of the kinds that say where a cluster's bytes are, or that there are none.
pub(super) fn is_plain(header: &Header, entry: u64, bitmap: Option<u64>) -> bool {
    let known = OFFSET_MASK | IN_USE_ONCE | if header.zero_flags { READS_ZERO } else { 0 };
    let bitmap = bitmap.unwrap_or(0);
    let (held, zero) = (bitmap & u64::from(u32::MAX), bitmap >> 32);
    entry & !known == 0 && held & zero == 0 && (held == 0 || entry & OFFSET_MASK != 0)
}

pub(super) fn longs(table: &[u8]) -> impl Iterator<Item = u64> {
    table.chunks_exact(8).map(|bytes| u64::from_be_bytes(bytes.try_into().expect("chunks of eight bytes")))
}
