//! Zeroing and copying what is at a path.

use std::{
    fs::File,
    io,
    ops::Range,
    path::{Path, PathBuf},
};

use ashlar_common::{
    bytes::{self, BytesError, Pace, Target, Throttle},
    driver::{Kind, OpCtx, context::Stopped},
    units::ByteCount,
};
use rustix::fs::{Mode, OFlags};

use crate::error::Error;

/// A device node, and how many of its bytes are the volume's.
#[derive(Clone, Debug)]
pub struct Room {
    /// Its path.
    pub device: PathBuf,
    /// The volume's exact size; the logical volume may be larger.
    pub size: ByteCount,
}

/// Makes a range of bytes read zero, by the device itself where it can. Nothing of the old bytes is left then.
///
/// # Errors
/// `Indeterminate` if stopped; some of the range is zero after any error.
pub async fn zero(ctx: &OpCtx, device: &Path, range: Range<u64>) -> Result<(), Error> {
    let device = device.to_owned();
    blocking(ctx, move |ctx| {
        let device = open_to_change(&device)?;
        let pace = Pace::new(range.end.saturating_sub(range.start), None);
        bytes::zero(ctx, &pace, &device, range)?;
        settle(&device)
    })
    .await
}

/// Copies the first `length` bytes from one device to another, zeros only where they are missed, at most at a rate.
///
/// # Errors
/// `Indeterminate` if stopped; the target is part-way after any error.
pub async fn copy(
    ctx: &OpCtx,
    from: &Path,
    to: &Path,
    length: ByteCount,
    target: Target,
    throttle: Option<Throttle>,
) -> Result<(), Error> {
    let (from, to) = (from.to_owned(), to.to_owned());
    blocking(ctx, move |ctx| {
        let (from, to) = (open_to_read(&from)?, open_to_change(&to)?);
        bytes::copy(ctx, &Pace::new(length.bytes(), throttle), &from, &to, length, target)?;
        settle(&to)
    })
    .await
}

/// Fills a new volume that may read anything with all that a source holds, and zeros behind that.
///
/// # Errors
/// As [`copy`].
pub async fn copy_whole(ctx: &OpCtx, from: &Room, to: &Room, throttle: Option<Throttle>) -> Result<(), Error> {
    let (from, to) = (from.clone(), to.clone());
    blocking(ctx, move |ctx| {
        let (source, target) = (open_to_read(&from.device)?, open_to_change(&to.device)?);
        let pace = Pace::new(to.size.bytes(), throttle);
        bytes::copy(ctx, &pace, &source, &target, from.size.min(to.size), Target::ReadsAnything)?;
        bytes::zero(ctx, &pace, &target, from.size.bytes()..to.size.bytes())?;
        settle(&target)
    })
    .await
}

/// Makes the first `length` bytes of one device the same as another's by writing those blocks alone that differ: what
/// is written to a volume with snapshots has to be copied for them first.
///
/// # Errors
/// As [`copy`].
pub async fn copy_differences(
    ctx: &OpCtx,
    from: &Path,
    to: &Path,
    length: ByteCount,
    throttle: Option<Throttle>,
) -> Result<(), Error> {
    let (from, to) = (from.to_owned(), to.to_owned());
    blocking(ctx, move |ctx| {
        let (from, to) = (open_to_read(&from)?, open_to_change(&to)?);
        bytes::copy_differences(ctx, &Pace::new(length.bytes(), throttle), &from, &to, length)?;
        settle(&to)
    })
    .await
}

/// Opens a device for reading.
///
/// # Errors
/// [`Error::Io`].
pub fn open_to_read(device: &Path) -> Result<File, Error> {
    open(device, OFlags::RDONLY)
}

/// Opens a device for reading and writing, which fails if anything else in the kernel uses it: an attachment, a mount,
/// an export.
///
/// # Errors
/// [`Error::Io`].
pub fn open_to_change(device: &Path) -> Result<File, Error> {
    open(device, OFlags::RDWR | OFlags::EXCL)
}

fn open(device: &Path, flags: OFlags) -> Result<File, Error> {
    match rustix::fs::open(device, flags | OFlags::CLOEXEC, Mode::empty()) {
        Ok(file) => Ok(file.into()),
        Err(errno) => Err(Error::Io { doing: format!("open {}", device.display()), source: errno.into() }),
    }
}

fn settle(file: &File) -> Result<(), Error> {
    bytes::settle(file).map_err(|source: io::Error| Error::Io { doing: "flush what was written".to_owned(), source })
}

/// [`OpCtx::blocking`] with this driver's own error.
pub(crate) async fn blocking<T, F>(ctx: &OpCtx, work: F) -> Result<T, Error>
where
    T: Send + 'static,
    F: FnOnce(&OpCtx) -> Result<T, Error> + Send + 'static,
{
    match ctx.blocking(move |ctx| Ok(work(ctx))).await {
        Ok(result) => result,
        Err(lapsed) if lapsed.kind() == Kind::Indeterminate => Err(BytesError::from(Stopped::Lapsed).into()),
        Err(panicked) => Err(Error::Panicked(panicked.chain())),
    }
}
