//! Volumes as logical volumes of one volume group, on the real device-mapper.

pub mod data;
pub mod dm;
pub mod error;
pub mod exports;
pub mod images;
pub mod lvm;
pub mod names;
pub mod thick;

pub use error::Error;
