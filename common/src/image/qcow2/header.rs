//! The header: an allow-list. Pure.

use super::fault::Qcow2Fault;
use crate::units::ByteCount;

/// Cluster sizes that QEMU can open: 512 bytes to 2 MiB.
const CLUSTER_BITS: std::ops::RangeInclusive<u32> = 9..=21;
/// QEMU's own limit on the first-level table: 32 MiB of 8-byte entries.
const MAX_L1_ENTRIES: u32 = 4 << 20;
/// QEMU's own limit on the table of reference counts, in bytes.
const MAX_REFCOUNT_TABLE_BYTES: u64 = 8 << 20;
/// QEMU's own limit on internal snapshots.
const MAX_SNAPSHOTS: u32 = 65_536;
/// The unit in which QEMU counts a disk's size.
const SECTOR_BYTES: u64 = 512;

const INCOMPATIBLE_DIRTY: u64 = 1 << 0;
const INCOMPATIBLE_CORRUPT: u64 = 1 << 1;
const INCOMPATIBLE_DATA_FILE: u64 = 1 << 2;
const INCOMPATIBLE_COMPRESSION: u64 = 1 << 3;
const INCOMPATIBLE_EXTENDED_L2: u64 = 1 << 4;

const EXTENSION_END: u32 = 0;
const EXTENSION_DATA_FILE: u32 = 0x4441_5441;
const EXTENSION_ENCRYPTION: u32 = 0x0537_be77;

/// What the rest of the code needs from a header that was found good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::image) struct Header {
    pub(in crate::image) virtual_size: ByteCount,
    pub(super) cluster_bits: u32,
    pub(super) extended_l2: bool,
    /// Whether entries may say that a cluster reads zero, which version 2 does not know.
    pub(super) zero_flags: bool,
    pub(super) l1_table_offset: u64,
    /// First-level entries that the virtual size needs; the table has at least as many.
    pub(super) l1_entries: u64,
}

impl Header {
    /// Reads a header from the first bytes of a file that is `file_bytes` long.
    pub(in crate::image) fn parse(head: &[u8], file_bytes: u64) -> Result<Self, Qcow2Fault> {
        let fields = Fields(head);
        let version = fields.word(4)?;
        if !(2..=3).contains(&version) {
            return Err(Qcow2Fault::Version(version));
        }
        let cluster_bits = fields.word(20)?;
        require(CLUSTER_BITS.contains(&cluster_bits), "cluster_bits", cluster_bits)?;
        if fields.long(8)? != 0 {
            return Err(Qcow2Fault::BackingFile);
        }
        if fields.word(32)? != 0 {
            return Err(Qcow2Fault::Encrypted);
        }
        let extended_l2 = features(&fields, version, cluster_bits)?;
        let bytes = fields.long(24)?;
        let virtual_size = ByteCount::new(bytes).map_err(|_| Qcow2Fault::Field { name: "size", value: bytes })?;
        // QEMU would leave out the last part of a sector without a word.
        require(bytes.is_multiple_of(SECTOR_BYTES), "size", bytes)?;

        let header = Self {
            virtual_size,
            cluster_bits,
            extended_l2,
            zero_flags: version >= 3 && !extended_l2,
            l1_table_offset: fields.long(40)?,
            l1_entries: bytes.div_ceil(bytes_per_l2_table(cluster_bits, extended_l2)),
        };
        header.check_tables(&fields, file_bytes)?;
        Ok(header)
    }

    /// Bytes in a cluster.
    pub(super) fn cluster_bytes(&self) -> u64 {
        1 << self.cluster_bits
    }

    /// Bytes in an entry of a second-level table.
    pub(super) fn l2_entry_bytes(&self) -> u64 {
        l2_entry_bytes(self.extended_l2)
    }

    /// Bytes of the virtual disk that one second-level table maps.
    pub(super) fn bytes_per_l2_table(&self) -> u64 {
        bytes_per_l2_table(self.cluster_bits, self.extended_l2)
    }

    fn check_tables(&self, fields: &Fields<'_>, file_bytes: u64) -> Result<(), Qcow2Fault> {
        let cluster = self.cluster_bytes();
        let inside = |offset: u64, bytes: u64| {
            offset >= cluster
                && offset.is_multiple_of(cluster)
                && offset.checked_add(bytes).is_some_and(|end| end <= file_bytes)
        };

        let l1_size = fields.word(36)?;
        require(l1_size <= MAX_L1_ENTRIES && u64::from(l1_size) >= self.l1_entries, "l1_size", l1_size)?;
        if l1_size > 0 {
            require(inside(self.l1_table_offset, u64::from(l1_size) * 8), "l1_table_offset", self.l1_table_offset)?;
        }

        let refcount_clusters = fields.word(56)?;
        let refcount_bytes = u64::from(refcount_clusters) * cluster;
        require(
            refcount_clusters > 0 && refcount_bytes <= MAX_REFCOUNT_TABLE_BYTES,
            "refcount_table_clusters",
            refcount_clusters,
        )?;
        let refcount_offset = fields.long(48)?;
        // One byte, not all of them: the file may end within the table's last cluster.
        require(inside(refcount_offset, 1), "refcount_table_offset", refcount_offset)?;

        let snapshots = fields.word(60)?;
        require(snapshots <= MAX_SNAPSHOTS, "nb_snapshots", snapshots)?;
        if snapshots > 0 {
            let offset = fields.long(64)?;
            require(inside(offset, 1), "snapshots_offset", offset)?;
        }
        Ok(())
    }
}

/// Reads what version 3 adds, and the extensions that both have. Says whether second-level entries are extended.
fn features(fields: &Fields<'_>, version: u32, cluster_bits: u32) -> Result<bool, Qcow2Fault> {
    if version == 2 {
        check_extensions(fields, 72, cluster_bits)?;
        return Ok(false);
    }
    let needed = fields.long(72)?;
    for (bit, fault) in [
        (INCOMPATIBLE_DATA_FILE, Qcow2Fault::ExternalDataFile),
        (INCOMPATIBLE_CORRUPT, Qcow2Fault::Corrupt),
        (INCOMPATIBLE_DIRTY, Qcow2Fault::Dirty),
    ] {
        if needed & bit != 0 {
            return Err(fault);
        }
    }
    let unknown = needed & !(INCOMPATIBLE_COMPRESSION | INCOMPATIBLE_EXTENDED_L2);
    if unknown != 0 {
        return Err(Qcow2Fault::UnknownFeatures(unknown));
    }
    let refcount_order = fields.word(96)?;
    require(refcount_order <= 6, "refcount_order", refcount_order)?;
    let header_bytes = fields.word(100)?;
    require(
        header_bytes >= 104 && header_bytes.is_multiple_of(8) && u64::from(header_bytes) <= 1 << cluster_bits,
        "header_length",
        header_bytes,
    )?;
    // 0 is zlib, 1 is zstd; anything but zlib must be announced by the feature bit.
    let compression = if header_bytes > 104 { fields.byte(104)? } else { 0 };
    let announced = needed & INCOMPATIBLE_COMPRESSION != 0;
    require(compression <= 1 && (compression == 1) == announced, "compression_type", compression)?;
    let extended_l2 = needed & INCOMPATIBLE_EXTENDED_L2 != 0;
    // A cluster has 32 parts of at least a sector each.
    require(!extended_l2 || cluster_bits >= 14, "cluster_bits", cluster_bits)?;
    check_extensions(fields, header_bytes, cluster_bits)?;
    Ok(extended_l2)
}

/// Walks the extensions, which end within the first cluster.
fn check_extensions(fields: &Fields<'_>, start: u32, cluster_bits: u32) -> Result<(), Qcow2Fault> {
    let end = 1_u64 << cluster_bits;
    let mut at = u64::from(start);
    while at + 8 <= end {
        let place = usize::try_from(at).map_err(|_| Qcow2Fault::CutHeader)?;
        let (kind, bytes) = (fields.word(place)?, fields.word(place + 4)?);
        match kind {
            EXTENSION_END => break,
            EXTENSION_DATA_FILE => return Err(Qcow2Fault::ExternalDataFile),
            EXTENSION_ENCRYPTION => return Err(Qcow2Fault::Encrypted),
            // The format tells readers to pass over what they do not know; names and bitmaps are harmless.
            _ => {}
        }
        let next = at + 8 + u64::from(bytes).next_multiple_of(8);
        require(next <= end, "header extension length", bytes)?;
        at = next;
    }
    Ok(())
}

fn l2_entry_bytes(extended_l2: bool) -> u64 {
    if extended_l2 { 16 } else { 8 }
}

fn bytes_per_l2_table(cluster_bits: u32, extended_l2: bool) -> u64 {
    (1_u64 << (2 * cluster_bits)) / l2_entry_bytes(extended_l2)
}

fn require(holds: bool, name: &'static str, value: impl Into<u64>) -> Result<(), Qcow2Fault> {
    if holds { Ok(()) } else { Err(Qcow2Fault::Field { name, value: value.into() }) }
}

/// Big-endian numbers at places of the header.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn bytes<const N: usize>(&self, at: usize) -> Result<[u8; N], Qcow2Fault> {
        self.0.get(at..).and_then(<[u8]>::first_chunk).copied().ok_or(Qcow2Fault::CutHeader)
    }

    fn byte(&self, at: usize) -> Result<u8, Qcow2Fault> {
        self.bytes::<1>(at).map(|[byte]| byte)
    }

    fn word(&self, at: usize) -> Result<u32, Qcow2Fault> {
        self.bytes(at).map(u32::from_be_bytes)
    }

    fn long(&self, at: usize) -> Result<u64, Qcow2Fault> {
        self.bytes(at).map(u64::from_be_bytes)
    }
}
