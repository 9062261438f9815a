//! `cargo xtask bench`: how quick and how small the service is on this machine, beside what the machine itself can do.
//!
//! [`run`] goes through the [`parts`], each of which drives a [`subject`] with the clients of [`client`] and [`load`];
//! [`floors`] measures in the same run the least that the same work costs without a service, [`helpers`] are the small
//! programs that needs. [`figures`] are held against [`aims`], and shown by [`table`] for people and as JSON for programs.

pub mod aims;
pub mod client;
pub mod command;
pub mod figures;
pub mod floors;
pub mod helpers;
pub mod load;
pub mod machine;
pub mod part;
pub mod parts;
pub mod progress;
pub mod run;
pub mod store;
pub mod subject;
pub mod table;
