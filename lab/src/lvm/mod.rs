//! Volume groups on loop devices, for tests of what works on LVM.
//!
//! They are made where the test runs: in a machine of the lab, or on a host whose own kernel has device-mapper. It takes
//! root, and the packages lvm2, dmsetup and thin-provisioning-tools.
//!
//! Between the loop device and the physical volume is a linear device, whose table is exchanged for one that fails or is
//! slow: see [`VolumeGroup::begin_outage`] and [`VolumeGroup::slow_down`].

mod configfs;
mod device;
mod group;
mod metadata;
mod shell;
mod slot;
mod strays;
mod tools;

pub use group::{Shape, ThinPool, VolumeGroup};

use crate::error::Result;

/// Takes down every volume group of this module whose process is gone, with all that is stacked on it.
///
/// # Errors
/// Something is in use, or the system refuses.
pub fn take_down_all() -> Result<()> {
    for slot in slot::left()? {
        slot.take_down()?;
    }
    Ok(())
}
