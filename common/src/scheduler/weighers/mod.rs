//! The weighers, one a file. Each gives every pool that fits a raw weight; [`weigh`] brings them to one scale and adds
//! them up.

mod allocated_capacity;
mod capacity;
mod chance;
mod goodness;
mod volume_number;
mod weigh;
mod weigher;

pub use weigh::Score;
pub use weigher::{UnknownWeigher, Weigher, Weighing};

pub(super) use weigh::{best, ranked};
