//! Writes qcow2 images, honest and hostile, byte by byte: what a test needs must not depend on the tool under test.
//!
//! The format is QEMU's `docs/interop/qcow2`. Clusters that are all zero are left out, tables are whole clusters, and
//! reference counts are right but for [`Content::Repeated`], which no honest writer makes.

/// A reference count takes two bytes.
const REFCOUNT_BITS_ORDER: u32 = 4;
const REFCOUNT_BYTES: usize = 2;
const ENTRY_BYTES: usize = 8;
/// The cluster belongs to this image alone.
const COPIED: u64 = 1 << 63;
/// Version 3's bit for bytes that are in another file.
const INCOMPATIBLE_DATA_FILE: u64 = 1 << 2;
const EXTENSION_BACKING_FORMAT: u32 = 0xE279_2ACA;
const EXTENSION_DATA_FILE: u32 = 0x4441_5441;

/// An image to be written.
#[derive(Clone, Copy, Debug)]
pub struct Qcow2<'a> {
    /// 2 or 3.
    pub version: u32,
    /// Clusters have two to the power of so many bytes: 9 to 21.
    pub cluster_bits: u32,
    /// The size of the disk in it: whole sectors.
    pub virtual_size: u64,
    /// What the disk holds.
    pub content: Content<'a>,
    /// The name of another file that holds what this one does not, and its format.
    pub backing: Option<(&'a str, Option<&'a str>)>,
    /// The image says that its bytes are in another file, and perhaps in which.
    pub data_file: Option<Option<&'a str>>,
}

/// What the disk in an image holds.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    /// These bytes from its start, then zeros.
    Bytes(&'a [u8]),
    /// The same cluster again and again, stored once.
    Repeated(&'a [u8]),
}

impl<'a> Qcow2<'a> {
    /// An honest image of these bytes, as most writers make it.
    #[must_use]
    pub const fn of(bytes: &'a [u8]) -> Self {
        Self {
            version: 3,
            cluster_bits: 16,
            virtual_size: bytes.len() as u64,
            content: Content::Bytes(bytes),
            backing: None,
            data_file: None,
        }
    }

    /// The bytes of the file.
    #[must_use]
    pub fn to_file(&self) -> Vec<u8> {
        let plan = Plan::new(self);
        let mut file = vec![0; plan.clusters * plan.cluster];
        self.write_header(&plan, &mut file);
        plan.write_refcounts(&mut file);
        plan.write_map(&mut file);
        for (number, cluster) in plan.stored.iter().enumerate() {
            let at = (plan.first_data + number) * plan.cluster;
            file[at..at + cluster.len()].copy_from_slice(cluster);
        }
        file
    }

    fn write_header(&self, plan: &Plan<'_>, file: &mut [u8]) {
        let offset = |cluster: usize| (cluster * plan.cluster) as u64;
        put(file, 0, b"QFI\xfb");
        put(file, 4, &self.version.to_be_bytes());
        put(file, 20, &self.cluster_bits.to_be_bytes());
        put(file, 24, &self.virtual_size.to_be_bytes());
        put(file, 36, &narrow(plan.l1_entries).to_be_bytes());
        put(file, 40, &offset(plan.l1).to_be_bytes());
        put(file, 48, &offset(1).to_be_bytes());
        put(file, 56, &1_u32.to_be_bytes());
        let mut at = 72;
        if self.version >= 3 {
            let needed = if self.data_file.is_some() { INCOMPATIBLE_DATA_FILE } else { 0 };
            put(file, 72, &needed.to_be_bytes());
            put(file, 96, &REFCOUNT_BITS_ORDER.to_be_bytes());
            put(file, 100, &104_u32.to_be_bytes());
            at = 104;
        }
        if let Some(Some(name)) = self.data_file {
            at = put_extension(file, at, EXTENSION_DATA_FILE, name);
        }
        if let Some((name, format)) = self.backing {
            if let Some(format) = format {
                at = put_extension(file, at, EXTENSION_BACKING_FORMAT, format);
            }
            // Behind the eight zeros that end the extensions.
            let name_at = at + 8;
            put(file, name_at, name.as_bytes());
            put(file, 8, &(name_at as u64).to_be_bytes());
            put(file, 16, &narrow(name.len()).to_be_bytes());
        }
    }
}

/// Where everything goes, in clusters: header, reference counts, first-level table, second-level tables, data.
struct Plan<'a> {
    cluster: usize,
    /// Clusters with data, as they are stored.
    stored: Vec<&'a [u8]>,
    /// For each cluster of the disk, which of the stored ones it is.
    map: Vec<Option<usize>>,
    l1: usize,
    l1_entries: usize,
    first_l2: usize,
    first_data: usize,
    clusters: usize,
    refcount_blocks: usize,
}

impl<'a> Plan<'a> {
    fn new(image: &Qcow2<'a>) -> Self {
        let cluster = 1_usize << image.cluster_bits;
        let (stored, map) = match image.content {
            Content::Bytes(bytes) => {
                let mut stored = Vec::new();
                let place = |part: &'a [u8]| {
                    part.iter().any(|byte| *byte != 0).then(|| {
                        stored.push(part);
                        stored.len() - 1
                    })
                };
                let map = bytes.chunks(cluster).map(place).collect();
                (stored, map)
            }
            Content::Repeated(part) => {
                let count = wide(image.virtual_size.div_ceil(cluster as u64));
                (vec![part], vec![Some(0); count])
            }
        };
        let per_l2 = cluster / ENTRY_BYTES;
        let l1_entries = wide(image.virtual_size.div_ceil((per_l2 * cluster) as u64));
        let l1_clusters = (l1_entries * ENTRY_BYTES).div_ceil(cluster);
        let l2_tables = map.len().div_ceil(per_l2);
        let others = 2 + l1_clusters + l2_tables + stored.len();
        // Each block of counts is counted itself.
        let per_block = cluster / REFCOUNT_BYTES;
        let refcount_blocks = others.div_ceil(per_block - 1);
        let l1 = 2 + refcount_blocks;
        let first_l2 = l1 + l1_clusters;
        let first_data = first_l2 + l2_tables;
        let clusters = first_data + stored.len();
        Self { cluster, stored, map, l1, l1_entries, first_l2, first_data, clusters, refcount_blocks }
    }

    fn write_refcounts(&self, file: &mut [u8]) {
        for block in 0..self.refcount_blocks {
            let offset = ((2 + block) * self.cluster) as u64;
            put(file, self.cluster + block * ENTRY_BYTES, &offset.to_be_bytes());
        }
        for cluster in 0..self.clusters {
            put(file, 2 * self.cluster + cluster * REFCOUNT_BYTES, &1_u16.to_be_bytes());
        }
    }

    fn write_map(&self, file: &mut [u8]) {
        let entry = |cluster: usize| (COPIED | (cluster * self.cluster) as u64).to_be_bytes();
        let per_l2 = self.cluster / ENTRY_BYTES;
        for table in 0..self.map.len().div_ceil(per_l2) {
            put(file, self.l1 * self.cluster + table * ENTRY_BYTES, &entry(self.first_l2 + table));
        }
        // Second-level tables stand one behind the other, so that the disk's clusters are counted through.
        for (number, stored) in self.map.iter().enumerate() {
            if let Some(stored) = stored {
                let at = self.first_l2 * self.cluster + number * ENTRY_BYTES;
                put(file, at, &entry(self.first_data + stored));
            }
        }
    }
}

fn put(file: &mut [u8], at: usize, bytes: &[u8]) {
    file[at..at + bytes.len()].copy_from_slice(bytes);
}

/// Answers where the next one goes.
fn put_extension(file: &mut [u8], at: usize, kind: u32, text: &str) -> usize {
    put(file, at, &kind.to_be_bytes());
    put(file, at + 4, &narrow(text.len()).to_be_bytes());
    put(file, at + 8, text.as_bytes());
    at + 8 + text.len().next_multiple_of(8)
}

fn narrow(count: usize) -> u32 {
    u32::try_from(count).expect("images of tests have few entries and short names")
}

fn wide(count: u64) -> usize {
    usize::try_from(count).expect("images of tests have few clusters")
}

#[cfg(test)]
mod tests {
    use ashlar_common::image::{ImageFormat, ImageHeader, inspect};

    use super::{Content, Qcow2};
    use crate::contents::pattern;

    fn inspected(image: &Qcow2<'_>) -> Result<ImageHeader, String> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), image.to_file()).expect("room");
        inspect(file.as_file(), ImageFormat::Qcow2).map_err(|error| ashlar_common::driver::Error::from(error).chain())
    }

    #[test]
    fn honest_images_are_taken() {
        let bytes = pattern(1, (1 << 20) + 512);
        for (version, cluster_bits) in [(2, 16), (3, 9), (3, 12), (3, 16), (3, 21)] {
            let image = Qcow2 { version, cluster_bits, ..Qcow2::of(&bytes) };
            let found = inspected(&image).unwrap_or_else(|error| panic!("{image:?}: {error}"));
            assert_eq!(found.virtual_size.bytes(), bytes.len() as u64);
        }
    }

    #[test]
    fn hostile_images_are_hostile_for_their_own_reason() {
        let bytes = pattern(1, 1 << 16);
        let backed = Qcow2 { backing: Some(("/secret", Some("raw"))), ..Qcow2::of(&bytes) };
        assert!(inspected(&backed).is_err_and(|why| why.contains("backing file")));
        let outside = Qcow2 { data_file: Some(Some("/secret")), ..Qcow2::of(&bytes) };
        assert!(inspected(&outside).is_err_and(|why| why.contains("external data file")));
    }

    #[test]
    fn zeros_and_repeats_take_no_room() {
        let zeros = Qcow2 { virtual_size: 64 << 40, cluster_bits: 21, ..Qcow2::of(&[]) };
        assert!(zeros.to_file().len() < 16 << 20);
        assert_eq!(inspected(&zeros).map(|found| found.virtual_size.bytes()), Ok(64 << 40));
        let cluster = pattern(1, 1 << 16);
        let repeated = Qcow2 { virtual_size: 1 << 30, content: Content::Repeated(&cluster), ..Qcow2::of(&[]) };
        assert!(repeated.to_file().len() < 1 << 20);
        assert_eq!(inspected(&repeated).map(|found| found.virtual_size.bytes()), Ok(1 << 30));
    }
}
