//! What a volume group is to be like.

/// Sizes, and what it is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Of its disk, in MiB. The file is sparse, and in a machine's memory: what is written counts.
    pub size_mib: u32,
    /// Of an extent, in KiB: a power of two.
    pub extent_kib: u32,
    /// With a pool for thin volumes.
    pub thin: Option<ThinPool>,
    /// Else drawn.
    pub name: Option<String>,
    /// What it is on.
    pub on: Disk,
}

impl Default for Shape {
    /// 256 MiB in extents of 1 MiB, thick.
    fn default() -> Self {
        Self { size_mib: 256, extent_kib: 1024, thin: None, name: None, on: Disk::Loop }
    }
}

/// A pool for thin volumes. Its name is [`ThinPool::NAME`], it zeroes, and is never made larger by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThinPool {
    /// Of its data, in MiB.
    pub size_mib: u32,
    /// Of its metadata, in KiB; LVM takes 2048 at least, and as much again as a spare.
    pub metadata_kib: u32,
}

impl ThinPool {
    /// What the pool is called.
    pub const NAME: &'static str = "pool";
}

impl Default for ThinPool {
    fn default() -> Self {
        Self { size_mib: 192, metadata_kib: 2048 }
    }
}

/// What a group's only physical volume is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disk {
    /// A loop device. It only ever works.
    Loop,
    /// A device-mapper device over that, whose [`State`] may change.
    Mapped,
}

/// How the disk does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// As it should.
    Works,
    /// Every read and write fails.
    Fails,
    /// Every read and write takes so many milliseconds.
    Slow(u32),
    /// Nothing is answered, until another state.
    Hangs,
}

impl Shape {
    /// Tells groups that may be taken for each other from those that may not.
    pub(super) fn key(&self) -> String {
        let thin = self.thin.map_or_else(String::new, |thin| format!("-t{}-{}", thin.size_mib, thin.metadata_kib));
        let on = match self.on {
            Disk::Loop => "loop",
            Disk::Mapped => "mapped",
        };
        format!("{}-{}{thin}-{on}", self.size_mib, self.extent_kib)
    }
}
