//! What a volume must hold, without keeping the bytes: zeros, and stretches of a pattern written over them.

use std::{fs::File, os::unix::fs::FileExt, path::Path};

use anyhow::{Context, Result, bail, ensure};
use rustix::{
    fs::{SeekFrom, seek},
    io::Errno,
};

/// One gibibyte.
pub const GIB: u64 = 1 << 30;
/// One mebibyte.
pub const MIB: u64 = 1 << 20;
const BLOCK: usize = 1 << 20;
const WORD: u64 = 8;

/// A stretch of pattern; offset and length are multiples of 8 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Where it begins, in bytes.
    pub offset: u64,
    /// How long it is, in bytes.
    pub length: u64,
    /// Two stretches of different seeds differ in almost every byte.
    pub seed: u64,
}

/// What a volume must hold: a later stretch covers an earlier one, and the rest reads zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    size: u64,
    stretches: Vec<Stretch>,
}

impl Content {
    /// Nothing but zeros.
    #[must_use]
    pub fn zeros(size: u64) -> Self {
        Self { size, stretches: Vec::new() }
    }

    /// In bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The same with zeros at the end.
    #[must_use]
    pub fn grown_to(&self, size: u64) -> Self {
        Self { size, ..self.clone() }
    }

    /// The same with `written` over it.
    #[must_use]
    pub fn with(&self, written: &[Stretch]) -> Self {
        let stretches = self.stretches.iter().chain(written).copied().collect();
        Self { size: self.size, stretches }
    }

    /// What is at `offset` and behind it.
    pub fn fill(&self, offset: u64, block: &mut [u8]) {
        block.fill(0);
        for stretch in &self.stretches {
            stretch.fill(offset, block);
        }
    }

    /// Reads all of the volume at `path`; where the file system says that there is a hole, it need not be read.
    ///
    /// # Errors
    /// It cannot be read, has another size, or holds other bytes: with the first place where it differs.
    pub fn compare(&self, path: &Path) -> Result<()> {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let size = file.metadata()?.len();
        ensure!(size == self.size, "expected {} bytes, got {size}", self.size);
        let mut offset = 0;
        while offset < size {
            let data = next(&file, SeekFrom::Data(offset), size)?;
            self.compare_part(offset, data, |_, zeros| {
                zeros.fill(0);
                Ok(())
            })?;
            offset = if data < size { next(&file, SeekFrom::Hole(data), size)? } else { size };
            self.compare_part(data, offset, |at, found| {
                file.read_exact_at(found, at).with_context(|| format!("cannot read at byte {at}"))
            })?;
        }
        Ok(())
    }

    /// Compares what `read` finds from `offset` until `end`.
    fn compare_part(
        &self,
        mut offset: u64,
        end: u64,
        mut read: impl FnMut(u64, &mut [u8]) -> Result<()>,
    ) -> Result<()> {
        let (mut wanted, mut found) = (vec![0_u8; BLOCK], vec![0_u8; BLOCK]);
        while offset < end {
            let length = usize::try_from(end - offset).unwrap_or(BLOCK).min(BLOCK);
            let (wanted, found) = (&mut wanted[..length], &mut found[..length]);
            self.fill(offset, wanted);
            read(offset, found)?;
            if let Some((place, wanted, found)) = first_difference(wanted, found) {
                bail!("at byte {}: expected {wanted:#04x}, got {found:#04x}", offset + place);
            }
            offset += length as u64;
        }
        Ok(())
    }
}

impl Stretch {
    /// Writes it to the volume at `path`, to stay.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let file = File::options().write(true).open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let mut block = vec![0_u8; BLOCK];
        let (mut offset, end) = (self.offset, self.offset + self.length);
        while offset < end {
            let length = usize::try_from(end - offset).unwrap_or(BLOCK).min(BLOCK);
            self.fill(offset, &mut block[..length]);
            file.write_all_at(&block[..length], offset).with_context(|| format!("cannot write at byte {offset}"))?;
            offset += length as u64;
        }
        file.sync_all().context("cannot sync")
    }

    /// Puts the part of it that is in `block`, which begins at `offset`.
    fn fill(&self, offset: u64, block: &mut [u8]) {
        let from = self.offset.max(offset);
        let until = (self.offset + self.length).min(offset + block.len() as u64);
        if from >= until {
            return;
        }
        let place = |at: u64| usize::try_from(at - offset).expect("within a block, which is in memory");
        let words = (from / WORD..).zip(block[place(from)..place(until)].chunks_mut(8));
        for (word, bytes) in words {
            bytes.copy_from_slice(&mix(self.seed.wrapping_mul(ODD).wrapping_add(word)).to_le_bytes()[..bytes.len()]);
        }
    }
}

const ODD: u64 = 0x9e37_79b9_7f4a_7c15;

/// A bijection that lets every bit of `number` move about half of the bits of the result.
fn mix(number: u64) -> u64 {
    let mut bits = number.wrapping_add(1).wrapping_mul(ODD);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// Where the next data or the next hole begins; at `size` if there is none. File systems that keep no holes have one at
/// the end alone.
fn next(file: &File, what: SeekFrom, size: u64) -> Result<u64> {
    match seek(file, what) {
        Ok(offset) => Ok(offset.min(size)),
        Err(Errno::NXIO) => Ok(size),
        Err(errno) => Err(errno).context("cannot look for data"),
    }
}

fn first_difference(wanted: &[u8], found: &[u8]) -> Option<(u64, u8, u8)> {
    // Comparing the whole is much quicker than comparing byte by byte.
    if wanted == found {
        return None;
    }
    let pairs = wanted.iter().zip(found).zip(0..);
    pairs.filter(|((wanted, found), _)| wanted != found).map(|((wanted, found), at)| (at, *wanted, *found)).next()
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, Content, Stretch};

    const SIZE: u64 = 3 * BLOCK as u64;

    fn stretches() -> [Stretch; 3] {
        let edge = BLOCK as u64 - 512;
        [
            Stretch { offset: 0, length: 1024, seed: 1 },
            Stretch { offset: edge, length: 1024, seed: 2 },
            Stretch { offset: SIZE - 512, length: 512, seed: 3 },
        ]
    }

    fn volume() -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(SIZE).unwrap();
        file
    }

    #[test]
    fn what_was_written_is_what_must_be_there() {
        let (file, content) = (volume(), Content::zeros(SIZE).with(&stretches()));
        for stretch in stretches() {
            stretch.write(file.path()).unwrap();
        }
        content.compare(file.path()).unwrap();
    }

    #[test]
    fn the_first_difference_is_named() {
        let file = volume();
        let content = Content::zeros(SIZE).with(&stretches());
        stretches()[0].write(file.path()).unwrap();
        let error = content.compare(file.path()).unwrap_err().to_string();
        let edge = BLOCK as u64 - 512;
        assert!(error.starts_with(&format!("at byte {edge}: expected 0x")), "{error}");
    }

    #[test]
    fn another_size_is_a_difference() {
        let error = Content::zeros(SIZE + 1).compare(volume().path()).unwrap_err().to_string();
        assert_eq!(error, format!("expected {} bytes, got {SIZE}", SIZE + 1));
    }

    #[test]
    fn the_later_stretch_covers_the_earlier() {
        let (first, second) = (Stretch { offset: 0, length: 64, seed: 1 }, Stretch { offset: 8, length: 8, seed: 2 });
        let (mut both, mut first_only) = ([0; 64], [0; 64]);
        Content::zeros(64).with(&[first, second]).fill(0, &mut both);
        Content::zeros(64).with(&[first]).fill(0, &mut first_only);
        assert_eq!((&both[..8], &both[16..]), (&first_only[..8], &first_only[16..]));
        assert_ne!(both[8..16], first_only[8..16]);
    }

    #[test]
    fn the_pattern_does_not_depend_on_where_reading_begins() {
        let content = Content::zeros(4096).with(&[Stretch { offset: 512, length: 2048, seed: 7 }]);
        let (mut whole, mut part) = (vec![0; 4096], vec![0; 1024]);
        content.fill(0, &mut whole);
        content.fill(1024, &mut part);
        assert_eq!(whole[1024..2048], part);
        assert!(whole[512..2560].iter().any(|byte| *byte != 0) && whole[2560..].iter().all(|byte| *byte == 0));
    }
}
