//! Where a volume goes: named filters, then weighers.
//!
//! Pure: no async, no clock, no I/O, no store. The transaction that places reads the pools, calls [`place()`], and
//! writes the reservation before it ends, so two placements can never spend the same room. Everything they must
//! agree on is therefore an argument, the age of each report included.
//!
//! A request is read once ([`Request`], extra specs, functions and queries parsed), then each pool is asked of each
//! [`Filter`], and those that pass are scored by each [`Weigher`]. Nothing is allocated for a pool, and no text is made,
//! unless none fits: then [`NoFit`] says for each pool where it fell and why. [`explain()`] says it of any placement.
//! The arithmetic of room is in [`room()`], and shared with extend. docs/scheduling.md is the operator's view of all this.

mod affinity;
mod ask;
mod clipped;
mod explain;
mod fact;
mod filters;
mod function;
mod no_fit;
mod place;
mod policy;
mod pool;
mod query;
mod request;
mod requirement;
mod room;
mod weighers;
mod why;

#[cfg(test)]
mod fixture;

pub use affinity::{Affinity, Hints};
pub use explain::{Explanation, Scored, explain};
pub use filters::{Filter, UnknownFilter};
pub use function::{Function, Malformed, Parsed};
pub use no_fit::{Fallen, NoFit};
pub use place::place;
pub use policy::Policy;
pub use pool::PoolView;
pub use query::{NoQuery, Query};
pub use request::{Placement, Request, SnapshotFacts, VolumeFacts};
pub use room::{Room, Shortage, THIN_METADATA_FLOOR, room};
pub use weighers::{Score, UnknownWeigher, Weigher, Weighing};
