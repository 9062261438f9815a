//! The store on a server that is cut off, killed, replaced or silent: nothing that was acknowledged is lost, nothing is
//! done twice, and all goes on by itself.
//!
//! Each test has a server of its own, behind a proxy that spoils its connections.

mod bench;
mod commits;
mod loss;
mod silence;
