//! Holds a file's bytes against what it is said to be.

use std::{fs::File, io, os::unix::fs::FileExt};

use super::{
    error::ImageError,
    format::ImageFormat,
    probe::{Looks, TAIL_BYTES, looks},
    qcow2,
};
use crate::units::ByteCount;

/// How much of the start of a file is read: headers with all their extensions fit many times.
const HEAD_BYTES: u64 = 64 << 10;

/// What an image really is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageHeader {
    /// Its format: the declared one.
    pub format: ImageFormat,
    /// The size of the disk in it. For raw, the length of the file.
    pub virtual_size: ByteCount,
}

/// Reads what the file is. Blocking; reads at most 64 KiB and a half, wherever the file's position is.
///
/// # Errors
/// [`ImageError`] of kind `Invalid` unless the bytes are of the declared format and an image complete in itself: no
/// other format's magic number, and for qcow2 no backing file, external data file, encryption, unknown feature,
/// damage, or table outside of the file.
pub fn inspect(file: &File, declared: ImageFormat) -> Result<ImageHeader, ImageError> {
    let virtual_size = match examine(file, declared)? {
        Examined::Raw(length) => length,
        Examined::Qcow2(header) => header.virtual_size,
    };
    Ok(ImageHeader { format: declared, virtual_size })
}

/// What [`inspect`] learns, with what the inside of this module needs besides.
pub(super) enum Examined {
    Raw(ByteCount),
    Qcow2(qcow2::Header),
}

pub(super) fn examine(file: &File, declared: ImageFormat) -> Result<Examined, ImageError> {
    let metadata = file.metadata().map_err(ImageError::io("look at the image"))?;
    if !metadata.is_file() {
        return Err(ImageError::NotAFile);
    }
    let length = metadata.len();
    if length == 0 {
        return Err(ImageError::Empty);
    }
    let read = |at, bytes| read_up_to(file, at, bytes).map_err(ImageError::io("read the image"));
    let head = read(0, HEAD_BYTES)?;
    let tail_bytes = TAIL_BYTES as u64;
    let tail = if length >= tail_bytes { read(length - tail_bytes, tail_bytes)? } else { Vec::new() };
    let found = match (declared, looks(&head, &tail)) {
        (ImageFormat::Raw, Looks::Plain) => {
            let length = ByteCount::new(length).map_err(|_| ImageError::Absurd(length))?;
            return Ok(Examined::Raw(length));
        }
        (ImageFormat::Qcow2, Looks::Qcow2) => return Ok(Examined::Qcow2(qcow2::Header::parse(&head, length)?)),
        (ImageFormat::Raw, Looks::Qcow2) => "qcow2",
        (ImageFormat::Qcow2, Looks::Plain) => "of no known format",
        (ImageFormat::Raw | ImageFormat::Qcow2, Looks::Other(name)) => name,
    };
    Err(ImageError::Mismatch { declared, found })
}

fn read_up_to(file: &File, mut at: u64, bytes: u64) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; usize::try_from(bytes).map_err(io::Error::other)?];
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], at) {
            Ok(0) => break,
            Ok(read) => {
                filled += read;
                at += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    buffer.truncate(filled);
    Ok(buffer)
}
