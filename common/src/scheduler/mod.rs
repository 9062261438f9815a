//! Where a volume goes: named filters in order, then a weigher.
//!
//! Pure: no async, no clock, no I/O, no store. The transaction that places reads the pools, calls [`place()`], and
//! writes the reservation before it ends, so two placements can never spend the same room. Everything they must
//! agree on is therefore an argument, the age of each report included.
//!
//! A pool passes, in this order ([`Filter`]): is it the source's pool where a copy must stay there, is its host up, is
//! its report fresh, then Cinder's AvailabilityZone, Capacity and Capabilities. [`NoFit`] says for each pool where it
//! fell and why. The arithmetic is in [`room()`], and shared with extend.

mod availability_zone;
mod capabilities;
mod capacity;
mod fact;
mod filter;
mod no_fit;
mod place;
mod pool;
mod reporting;
mod request;
mod requirement;
mod room;
mod source;
mod weigh;

#[cfg(test)]
mod fixture;

pub use filter::Filter;
pub use no_fit::{Fallen, NoFit};
pub use place::place;
pub use pool::PoolView;
pub use request::{Placement, Policy, Request};
pub use room::{Room, Shortage, THIN_METADATA_FLOOR, room};
