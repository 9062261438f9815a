//! The volume service: the API, and a host for each backend. The program is `main.rs`.

pub mod api;
pub mod attach;
pub mod check;
pub mod drivers;
pub mod http;
pub mod reconcile;
pub mod schedule;
pub mod serve;
pub mod store_command;
pub mod supervisor;
