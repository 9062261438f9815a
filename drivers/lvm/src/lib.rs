//! Volumes as logical volumes of one volume group, on the real device-mapper.

mod attach;
pub mod backend;
mod background;
mod burials;
pub mod config;
pub mod data;
pub mod dm;
pub mod driver;
pub mod error;
pub mod exports;
mod fill;
mod group;
mod host;
pub mod images;
pub mod locks;
pub mod lvm;
mod manage;
pub mod names;
mod open;
mod snapshots;
mod sources;
mod stats;
mod swaps;
mod sweep;
pub mod thick;
mod transfer;
mod volumes;

pub use config::Config;
pub use driver::LvmDriver;
pub use error::Error;
