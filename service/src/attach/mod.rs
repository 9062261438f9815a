//! `ashlar attach`, `ashlar detach` and `ashlar attached`: volumes as devices of this host.
//!
//! They are clients of the API like any other, and may be stopped or killed at any instant: what they do is remembered
//! step by step in a file of this host ([`state`]), and the next call goes on from there.

mod api;
mod command;
mod options;
mod report;
mod state;

pub use command::{IN_USE, attach, attached, detach, is_in_use};
pub use options::{AttachOptions, AttachedOptions, DetachOptions};
