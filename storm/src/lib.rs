//! A kill storm: many clients at work on a whole service, whose processes and database are killed all the while.
//!
//! [`storm`] goes in rounds. In each, every client does what [`client`] draws for it and notes in its [`model`] what it
//! was told; meanwhile [`strike`] kills. Then all is left to settle, and [`check`] holds the service to what it told.

pub mod api;
pub mod belief;
pub mod check;
pub mod client;
pub mod content;
pub mod ground;
pub mod keep;
pub mod model;
pub mod options;
pub mod reach;
pub mod report;
pub mod site;
pub mod storm;
pub mod strike;
pub mod truth;
