//! The bytes of logical volumes, by the device nodes they are reached by: `ashlar_common::bytes` in this driver's terms.
//!
//! Each call answers when what it did is on disk. None holds the volume group's turn: they take as long as disks take.

mod devices;

pub(crate) use devices::blocking;
pub use devices::{
    Room, copy, copy_differences, copy_whole, make_same, open_to_change, open_to_read, zero, zero_beside_clients,
    zero_slack,
};

#[cfg(test)]
mod tests;
