//! The API as a client meets it: the router over a real store and a real intake, no socket and no host between.

mod attachments;
mod bad_input;
mod bench;
mod discovery;
mod hints;
mod lists;
mod operators;
mod snapshots;
mod types;
mod volumes;
