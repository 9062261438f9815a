//! The API as a client meets it: the router over a real store and a real intake, without a host; and by real sockets where
//! connections are what it is about.

mod admission;
mod attachments;
mod bad_input;
mod bench;
mod discovery;
mod faults;
mod hints;
mod lists;
mod memory;
mod operators;
mod slow;
mod snapshots;
mod socket;
mod stopping;
mod store_command;
mod types;
mod volumes;
