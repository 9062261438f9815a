//! What a backend in memory is to be like.

use ashlar_common::stats::Provisioning;

use super::faults::Fault;

/// What a backend in memory is to be like.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How the pool works that the cases use; the other pool works the other way.
    pub provisioning: Provisioning,
    /// Bytes of each pool.
    pub room: u64,
    /// Entries of a thin pool's metadata: one for each volume and snapshot, one for each of their pages.
    pub metadata: u64,
    /// Whether the driver offers the capabilities of the contract, or only the required core.
    pub capable: bool,
    /// What is broken, if it is broken on purpose.
    pub fault: Option<Fault>,
}

impl Settings {
    /// Whether that is broken.
    pub(super) fn broken(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// A backend of some hundred mebibytes that can do everything.
    #[must_use]
    pub fn new(provisioning: Provisioning) -> Self {
        Self { provisioning, room: 256 << 20, metadata: 1 << 15, capable: true, fault: None }
    }
}
