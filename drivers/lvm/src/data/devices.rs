//! Zeroing and copying what is at a path.

use std::{
    fs::File,
    ops::Range,
    path::{Path, PathBuf},
};

use ashlar_common::{
    bytes::{self, Pace, Target, Throttle},
    driver::OpCtx,
    units::ByteCount,
};
use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
};

use crate::{error::Error, lvm::Lv};

/// A device node, and how many of its bytes are the volume's.
#[derive(Clone, Debug)]
pub struct Room {
    /// Its path.
    pub device: PathBuf,
    /// The volume's exact size; the logical volume may be larger.
    pub size: ByteCount,
}

impl Room {
    /// Where a logical volume's bytes are.
    #[must_use]
    pub fn of(lv: &Lv) -> Self {
        Self { device: lv.device.clone(), size: lv.size }
    }
}

/// Makes a range of bytes read zero, by the device itself where it can. Nothing of the old bytes is left then.
///
/// # Errors
/// `Indeterminate` if stopped; some of the range is zero after any error.
pub async fn zero(ctx: &OpCtx, device: &Path, range: Range<u64>) -> Result<(), Error> {
    zero_opened(ctx, device, range, open_to_change).await
}

/// The same where others have the device open: for a range that no client can reach yet, behind an attached volume.
///
/// # Errors
/// As [`zero`].
pub async fn zero_beside_clients(ctx: &OpCtx, device: &Path, range: Range<u64>) -> Result<(), Error> {
    zero_opened(ctx, device, range, |device| open(device, OFlags::RDWR)).await
}

async fn zero_opened(
    ctx: &OpCtx,
    device: &Path,
    range: Range<u64>,
    open: fn(&Path) -> Result<File, Error>,
) -> Result<(), Error> {
    let device = device.to_owned();
    blocking(ctx, move |ctx| {
        let device = open(&device)?;
        let pace = Pace::new(range.end.saturating_sub(range.start), None);
        bytes::zero(ctx, &pace, &device, range)?;
        settle(&device)
    })
    .await
}

/// Makes what a logical volume has behind its volume's end read zero, without a word of progress.
///
/// # Errors
/// As [`zero`].
pub async fn zero_slack(ctx: &OpCtx, lv: &Lv) -> Result<(), Error> {
    let (device, slack) = (lv.device.clone(), lv.size.bytes()..lv.extents.bytes());
    if slack.is_empty() {
        return Ok(());
    }
    blocking(ctx, move |ctx| {
        let device = open_to_change(&device)?;
        bytes::zero(ctx, &Pace::unseen(), &device, slack)?;
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

/// Makes a volume the same as a source, and zeros behind what the source holds; of the former, what differs is written.
///
/// # Errors
/// As [`copy`].
pub async fn make_same(ctx: &OpCtx, from: &Room, to: &Room, throttle: Option<Throttle>) -> Result<(), Error> {
    let (from, to) = (from.clone(), to.clone());
    blocking(ctx, move |ctx| {
        let (source, target) = (open_to_read(&from.device)?, open_to_change(&to.device)?);
        let pace = Pace::new(to.size.bytes(), throttle);
        bytes::copy_differences(ctx, &pace, &source, &target, from.size.min(to.size))?;
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
        Err(Errno::BUSY) => {
            let by = "an attachment, a mount or another device has it; see `dmsetup ls --tree` and `lsblk`".to_owned();
            Err(Error::InUse { name: device.display().to_string(), by })
        }
        Err(errno) => Err(Error::io(format!("open {}", device.display()), errno)),
    }
}

fn settle(file: &File) -> Result<(), Error> {
    bytes::settle(file).map_err(|source| Error::io("flush what was written", source))
}

/// [`OpCtx::blocking`] with this driver's own error.
pub(crate) async fn blocking<T, F>(ctx: &OpCtx, work: F) -> Result<T, Error>
where
    T: Send + 'static,
    F: FnOnce(&OpCtx) -> Result<T, Error> + Send + 'static,
{
    ctx.blocking(move |ctx| Ok(work(ctx))).await?
}
