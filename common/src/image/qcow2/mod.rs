//! qcow2 as QEMU documents it, as far as needed to refuse what is not a whole image, and to copy those whose bytes are
//! in the file as they are on the disk.

mod fault;
mod header;
mod map;
mod plain;

pub use fault::Qcow2Fault;
pub(super) use header::Header;
pub(super) use map::check_clusters;
pub(super) use plain::copy_plain;
