//! Attachments: a device-mapper device each, and what leads to it.
//!
//! An attachment is a record on disk, then a device over the logical volume, then, for iSCSI, a target on the device. It is
//! made in this order and taken down in the other, so that at any instant the record speaks of all that there is, and
//! [`Exports::restore`] makes the rest of it after a crash or a start of the machine.

mod attachments;
mod device;
mod hold;
mod options;
mod record;
mod way;

pub use attachments::{Backing, Exports};
pub use hold::Hold;
pub use options::{ExportOptions, Protocol};
