//! `cargo xtask bench`: how quick and how small the service is on this machine, beside what the machine itself can do.
//!
//! [`measure`] drives a service of its own and [`floor`] measures the least that the same work costs without it;
//! [`figures`] and [`machine`] say it, in Markdown for people and in JSON for programs.

pub mod command;
pub mod figures;
pub mod floor;
pub mod load;
pub mod machine;
pub mod measure;
