//! The filters, one a file. Each answers whether a pool stays, and says why not to whoever asks.

mod availability_zone;
mod capabilities;
mod capacity;
mod different_backend;
mod driver;
mod filter;
mod ignore_attempted_hosts;
mod instance_locality;
mod json;
mod reporting;
mod same_backend;
mod source;

pub use filter::{Filter, UnknownFilter};

pub(super) use capabilities::Wanted;
