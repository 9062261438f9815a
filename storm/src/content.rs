//! Bytes that can be told apart, and what is left of them.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::Path,
};

use rustix::fs::{SeekFrom, seek};

/// The patterns lie in the first of this, so that every volume has room for them.
const REACH: u64 = 1 << 30;
const CHUNK: usize = 8 << 10;
const BLOCK: usize = 4096;
const CHUNKS: usize = 4;

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

/// The same for equal bytes, however sparse the file, and however many zeroes follow.
///
/// # Errors
/// The volume cannot be read.
pub fn checksum(path: &Path) -> io::Result<Sum> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let (mut sum, mut at) = (EMPTY, 0);
    let mut block = vec![0_u8; BLOCK];
    while at < length {
        at = match seek(&file, SeekFrom::Data(at)) {
            Ok(data) => data - data % BLOCK as u64,
            Err(rustix::io::Errno::NXIO) => break,
            Err(error) => return Err(error.into()),
        };
        let hole = seek(&file, SeekFrom::Hole(at))?;
        while at < hole {
            let wanted = usize::try_from((length - at).min(BLOCK as u64)).unwrap_or(BLOCK);
            file.read_exact_at(&mut block[..wanted], at)?;
            if block[..wanted].iter().any(|byte| *byte != 0) {
                sum = at.to_le_bytes().iter().chain(&block[..wanted]).fold(sum, |sum, byte| mixed(sum, *byte));
            }
            at += wanted as u64;
        }
    }
    Ok(sum)
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
