//! From image to volume and back.

use std::{fs::File, io, path::Path};

use rustix::fs::{Mode, OFlags};

use super::{
    convert::{qcow2_into, raw_out_to_qcow2},
    error::ImageError,
    format::ImageFormat,
    inspect::{Examined, examine, inspect},
    qcow2::{check_clusters, copy_plain},
    temporary::Temporary,
};
use crate::{
    bytes::{self, Pace, Target, Throttle, length, settle},
    driver::{ImageFile, Kind, OpCtx, context::Stopped},
    units::ByteCount,
};

/// Writes the image's bytes to `target`: a file or block device open for reading and writing, of at least `size`
/// bytes, which reads zero. Ranges of zeros are not written, progress is reported, and the bytes are on disk when it
/// answers `Ok`. After any error the target may be part-way.
///
/// # Errors
/// Kind `Invalid` for an image that is not what it is said to be, not complete in itself, cut off, or larger than
/// `size`: nothing was written then, but for one whose compressed data turn out to be damaged. `Indeterminate` if
/// stopped, `OutOfSpace`, and `Fatal` for the rest.
pub async fn copy_into(ctx: &OpCtx, image: &ImageFile, target: &File, size: ByteCount) -> Result<(), ImageError> {
    copy_onto(ctx, image, target, size, Target::ReadsZero, None).await
}

/// [`copy_into`] a target that may read anything before, and at a rate. What the image does not fill of its `size` bytes
/// is zeroed; nothing is written twice.
///
/// # Errors
/// As [`copy_into`].
pub async fn copy_onto(
    ctx: &OpCtx,
    image: &ImageFile,
    target: &File,
    size: ByteCount,
    before: Target,
    throttle: Option<Throttle>,
) -> Result<(), ImageError> {
    let target = duplicate(target)?;
    let (image, examined, plain, target) = {
        let image = image.clone();
        blocking(ctx, move |ctx| {
            let file = open(&image.path)?;
            let examined = examine(&file, image.format)?;
            let virtual_size = examined.virtual_size();
            if virtual_size > size {
                return Err(ImageError::TooLarge { virtual_size, size });
            }
            let target_length = length(&target).map_err(ImageError::io("look at the target"))?;
            if target_length < size.bytes() {
                return Err(ImageError::ShortTarget { length: target_length, size: size.bytes() });
            }
            let plain = match &examined {
                Examined::Qcow2(header) => check_clusters(ctx, &file, header)?,
                Examined::Raw(_) => true,
            };
            Ok((file, examined, plain, target))
        })
        .await?
    };
    let filled = examined.virtual_size();
    let total = if before == Target::ReadsZero { filled } else { size };
    if !plain {
        qcow2_into(ctx, &image, &target, (filled, total), before, throttle).await?;
    }
    blocking(ctx, move |ctx| {
        let pace = Pace::new(total.bytes(), throttle);
        match &examined {
            Examined::Raw(_) => bytes::copy(ctx, &pace, &image, &target, filled, before)?,
            Examined::Qcow2(header) if plain => copy_plain(ctx, &pace, &image, header, &target, before)?,
            Examined::Qcow2(_) => pace.did(ctx, filled.bytes()),
        }
        bytes::zero(ctx, &pace, &target, filled.bytes()..total.bytes())?;
        settle(&target).map_err(ImageError::io("flush the volume"))
    })
    .await
}

/// Writes the first `size` bytes of `source` (a file or block device) to a new file at `image.path` in
/// `image.format`, at a rate if one is given. The file appears there whole and on disk, or not at all; one that was
/// there is replaced.
///
/// qcow2 counts in sectors: a size that is not whole sectors is rounded up, with zeros.
///
/// # Errors
/// [`ImageError`]; whatever it is, nothing has changed at `image.path`, unless only the last flush of its directory
/// failed.
pub async fn copy_out_of(
    ctx: &OpCtx,
    source: &File,
    size: ByteCount,
    image: &ImageFile,
    throttle: Option<Throttle>,
) -> Result<(), ImageError> {
    let source = duplicate(source)?;
    let (path, op) = (image.path.clone(), ctx.op());
    let (source, source_length, temporary) = blocking(ctx, move |_| {
        let end = length(&source).map_err(ImageError::io("look at the source"))?;
        if end < size.bytes() {
            return Err(ImageError::ShortSource { end, wanted: size.bytes() });
        }
        Ok((source, end, Temporary::create(&path, op)?))
    })
    .await?;
    let format = image.format;
    if format == ImageFormat::Qcow2 {
        let whole = source_length == size.bytes();
        if !whole && !size.bytes().is_multiple_of(512) {
            return Err(ImageError::PartSector(size.bytes()));
        }
        raw_out_to_qcow2(ctx, &source, size, whole, temporary.file(), throttle).await?;
    }
    blocking(ctx, move |ctx| {
        match format {
            ImageFormat::Raw => {
                temporary.file().set_len(size.bytes()).map_err(ImageError::io("set the image file's length"))?;
                let pace = Pace::new(size.bytes(), throttle);
                bytes::copy(ctx, &pace, &source, temporary.file(), size, Target::ReadsZero)?;
            }
            ImageFormat::Qcow2 => {
                let made = inspect(temporary.file(), format)?.virtual_size;
                if made.bytes() != size.bytes().next_multiple_of(512) {
                    return Err(ImageError::WrongResult { made, wanted: size });
                }
            }
        }
        temporary.finish()
    })
    .await
}

impl Examined {
    fn virtual_size(&self) -> ByteCount {
        match self {
            Self::Raw(length) => *length,
            Self::Qcow2(header) => header.virtual_size,
        }
    }
}

/// Opens an image without following a link in its last part and without waiting for the other end of a pipe.
fn open(path: &Path) -> Result<File, ImageError> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => Ok(file.into()),
        Err(rustix::io::Errno::LOOP) => Err(ImageError::NotAFile),
        Err(error) => Err(ImageError::Io { doing: "open the image", source: io::Error::from(error) }),
    }
}

fn duplicate(file: &File) -> Result<File, ImageError> {
    file.try_clone().map_err(ImageError::io("duplicate a descriptor"))
}

/// [`OpCtx::blocking`] with this module's own error.
async fn blocking<T, F>(ctx: &OpCtx, work: F) -> Result<T, ImageError>
where
    T: Send + 'static,
    F: FnOnce(&OpCtx) -> Result<T, ImageError> + Send + 'static,
{
    match ctx.blocking(move |ctx| Ok(work(ctx))).await {
        Ok(result) => result,
        // What it was not even begun for.
        Err(lapsed) if lapsed.kind() == Kind::Indeterminate => Err(Stopped::Lapsed.into()),
        Err(panicked) => Err(ImageError::Panicked(panicked.chain())),
    }
}
