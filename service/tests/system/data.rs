//! Bytes that can be told apart: what a volume should hold, from a seed.

use std::{
    fs::{File, OpenOptions},
    os::unix::fs::FileExt,
    path::Path,
};

use rustix::fs::{SeekFrom, seek};

const GIB: u64 = 1 << 30;
const CHUNK: usize = 64 << 10;
const BLOCK: usize = 4096;

/// Where the pattern of a seed lies: some chunks, the first and last of the first GiB among them.
fn offsets(seed: u64) -> impl Iterator<Item = u64> {
    let mut random = fastrand::Rng::with_seed(seed);
    let blocks = (GIB - CHUNK as u64) / BLOCK as u64;
    let middle: Vec<u64> = (0..6).map(|_| random.u64(0..blocks) * BLOCK as u64).collect();
    [0, GIB - CHUNK as u64].into_iter().chain(middle)
}

/// Writes the pattern of `seed`, durably.
pub(crate) fn write(path: &Path, seed: u64) {
    let file = OpenOptions::new().write(true).open(path).expect("attached volumes can be opened");
    let mut random = fastrand::Rng::with_seed(seed ^ 0x5eed);
    for offset in offsets(seed) {
        let mut chunk = vec![0_u8; CHUNK];
        random.fill(&mut chunk);
        file.write_all_at(&chunk, offset).expect("written");
    }
    file.sync_all().expect("synced");
}

/// A checksum over every block that is not zero, and its place: the same for equal bytes, however sparse the file.
pub(crate) fn checksum(path: &Path) -> u64 {
    let file = File::open(path).expect("attached volumes can be opened");
    let length = file.metadata().expect("a file").len();
    let (mut sum, mut at) = (0xcbf2_9ce4_8422_2325_u64, 0);
    let mut block = vec![0_u8; BLOCK];
    while at < length {
        at = match seek(&file, SeekFrom::Data(at)) {
            Ok(data) => data - data % BLOCK as u64,
            Err(rustix::io::Errno::NXIO) => break,
            Err(error) => panic!("cannot look for data: {error}"),
        };
        let hole = seek(&file, SeekFrom::Hole(at)).expect("the end is a hole");
        while at < hole {
            let wanted = usize::try_from((length - at).min(BLOCK as u64)).expect("a block");
            file.read_exact_at(&mut block[..wanted], at).expect("read");
            if block[..wanted].iter().any(|byte| *byte != 0) {
                for byte in at.to_le_bytes().iter().chain(&block[..wanted]) {
                    sum = (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
                }
            }
            at += wanted as u64;
        }
    }
    sum
}
