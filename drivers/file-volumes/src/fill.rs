//! Giving files their size and their bytes.

use std::fs::File;

use ashlar_common::{
    bytes::{self, Pace, Target},
    driver::OpCtx,
    stats::Provisioning,
    units::ByteCount,
};
use rustix::fs::FallocateFlags;

use crate::error::{Doing, Error};

/// How a store gives room to files.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filler {
    /// Thick files have all their blocks from the start.
    pub(crate) provisioning: Provisioning,
    /// Whether copies share blocks. Never in a thick store: a write to a shared block needs a new one.
    pub(crate) reflink: bool,
}

impl Filler {
    /// Gives a new, empty file its size. It reads zero.
    pub(crate) fn size(self, file: &File, size: ByteCount, name: &str) -> Result<(), Error> {
        match self.provisioning {
            Provisioning::Thin => rustix::fs::ftruncate(file, size.bytes()),
            Provisioning::Thick => rustix::fs::fallocate(file, FallocateFlags::empty(), 0, size.bytes()),
        }
        .doing("make room for", name)
    }

    /// Gives a new, empty file its size and a source's bytes; what is beyond them reads zero. Nobody may write to the
    /// source meanwhile, unless copies share blocks: then the kernel takes them in one instant.
    pub(crate) fn copy(
        self,
        ctx: &OpCtx,
        source: &File,
        target: &File,
        size: ByteCount,
        name: &str,
    ) -> Result<(), Error> {
        if self.reflink {
            rustix::fs::ioctl_ficlone(target, source).doing("share blocks with", name)?;
            return rustix::fs::ftruncate(target, size.bytes()).doing("resize", name);
        }
        self.size(target, size, name)?;
        let length = length(source, name)?.min(size);
        Ok(bytes::copy(ctx, &Pace::new(length.bytes(), None), source, target, length, Target::ReadsZero)?)
    }

    /// Grows a file in use. The size changes in one step, after there is room.
    pub(crate) fn grow(self, file: &File, old: ByteCount, new: ByteCount, name: &str) -> Result<(), Error> {
        let resize = |size: ByteCount| rustix::fs::ftruncate(file, size.bytes());
        if self.provisioning == Provisioning::Thick {
            let added = new.saturating_sub(old).bytes();
            let room = rustix::fs::fallocate(file, FallocateFlags::KEEP_SIZE, old.bytes(), added);
            if room.is_err() {
                // What was found lies beyond the end, where only a file that shrinks gives it back everywhere.
                resize(new).and_then(|()| resize(old)).doing("give back room beyond the end of", name)?;
            }
            room.doing("make room for", name)?;
        }
        resize(new).doing("grow", name)
    }
}

/// A file's size.
pub(crate) fn length(file: &File, name: &str) -> Result<ByteCount, Error> {
    let length = file.metadata().doing("look at", name)?.len();
    // The kernel's own type for it is signed.
    Ok(ByteCount::new(length).expect("a file is never larger than a signed word"))
}
