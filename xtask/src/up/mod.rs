//! `cargo xtask up`: the service on this machine, built, started, watched and stopped; and with `--demo`, proven.

pub mod api;
pub mod command;
pub mod demo;
pub mod openrc;
pub mod page;
pub mod place;
pub mod programs;
pub mod service;
pub mod tail;
