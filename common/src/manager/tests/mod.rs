//! The manager with a real store and a backend in memory that fails where a case tells it to.

mod backend;
mod bench;
mod crash;
mod faults;
mod leases;
mod lifecycle;
mod placement;
mod races;
mod refusals;
