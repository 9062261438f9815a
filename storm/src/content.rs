//! Bytes that can be told apart, and what is left of them.

use std::{
    fs::{File, OpenOptions},
    io::{self, Seek},
    ops::Range,
    os::unix::fs::FileExt,
    path::Path,
};

use rustix::{
    fs::{SeekFrom, seek},
    io::Errno,
};

/// The patterns lie in the first of this, so that every volume has room for them.
const REACH: u64 = 1 << 30;
const CHUNK: usize = 8 << 10;
const BLOCK: usize = 4096;
const CHUNKS: usize = 4;
const READ: usize = 1 << 20;
static ZEROES: [u8; BLOCK] = [0; BLOCK];

/// A checksum over every block that is not zero, and its place.
pub type Sum = u64;

/// That of a volume full of zeroes.
pub const EMPTY: Sum = 0xcbf2_9ce4_8422_2325;

/// Writes the pattern of `seed`, durably: a few chunks, the first and last of the first GiB among them.
///
/// # Errors
/// The volume cannot be written.
pub fn write(path: &Path, seed: u64) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    let mut random = fastrand::Rng::with_seed(seed);
    let blocks = (REACH - CHUNK as u64) / BLOCK as u64;
    let middle: Vec<u64> = (2..CHUNKS).map(|_| random.u64(0..blocks) * BLOCK as u64).collect();
    for offset in [0, REACH - CHUNK as u64].into_iter().chain(middle) {
        let mut chunk = vec![0_u8; CHUNK];
        random.fill(&mut chunk);
        file.write_all_at(&chunk, offset)?;
    }
    file.sync_all()
}

/// A raw image with the pattern of `seed`: shorter than a volume.
///
/// # Errors
/// The file cannot be written.
pub fn write_image(path: &Path, seed: u64) -> io::Result<()> {
    let mut bytes = vec![0_u8; 16 * BLOCK];
    fastrand::Rng::with_seed(seed).fill(&mut bytes);
    std::fs::write(path, bytes)
}

/// The same for equal bytes, however sparse the file, and however many zeroes follow. Of a block device all is read.
///
/// # Errors
/// The volume cannot be read.
pub fn checksum(path: &Path) -> io::Result<Sum> {
    let mut file = File::open(path)?;
    let length = file.seek(io::SeekFrom::End(0))?;
    let (mut sum, mut at) = (EMPTY, 0);
    let mut part = vec![0_u8; READ];
    while at < length {
        let data = next_data(&file, at, length)?;
        at = data.start;
        while at < data.end {
            let wanted = usize::try_from(data.end - at).unwrap_or(READ).min(READ);
            file.read_exact_at(&mut part[..wanted], at)?;
            for block in part[..wanted].chunks(BLOCK) {
                // Slices are compared as a whole, which is quick also where nothing is optimised.
                if *block != ZEROES[..block.len()] {
                    sum = at.to_le_bytes().iter().chain(block).fold(sum, |sum, byte| mixed(sum, *byte));
                }
                at += block.len() as u64;
            }
        }
        at = data.end;
    }
    Ok(sum)
}

/// The next range that may hold something, from the beginning of a block; empty at the end.
fn next_data(file: &File, at: u64, length: u64) -> io::Result<Range<u64>> {
    let start = match seek(file, SeekFrom::Data(at)) {
        Ok(data) => data - data % BLOCK as u64,
        Err(Errno::NXIO) => return Ok(length..length),
        // A block device does not know.
        Err(Errno::INVAL) => return Ok(at..length),
        Err(error) => return Err(error.into()),
    };
    Ok(start..seek(file, SeekFrom::Hole(start))?)
}

fn mixed(sum: Sum, byte: u8) -> Sum {
    (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
}

#[cfg(test)]
mod tests {
    use super::{EMPTY, checksum, write};

    #[test]
    fn patterns_differ_by_seed_and_holes_count_for_nothing() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let volume = |name: &str| {
            let path = folder.path().join(name);
            std::fs::File::create(&path).and_then(|file| file.set_len(2 << 30)).expect("a sparse file");
            path
        };
        let (first, second) = (volume("first"), volume("second"));
        assert_eq!(checksum(&first).expect("read"), EMPTY);
        write(&first, 1).expect("written");
        write(&second, 2).expect("written");
        let sums = [&first, &second].map(|path| checksum(path).expect("read"));
        assert_ne!(sums[0], sums[1]);
        write(&second, 1).expect("written");
        assert_ne!(checksum(&second).expect("read"), sums[1], "the first and last chunk are over the old ones");
    }
}
