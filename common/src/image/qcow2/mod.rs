//! qcow2 as QEMU documents it, as far as needed to refuse what is not a whole image.

mod fault;
mod header;
mod map;

pub use fault::Qcow2Fault;
pub(super) use header::Header;
pub(super) use map::check_clusters;
