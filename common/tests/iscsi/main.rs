//! The connector on the real thing: the kernel's own target (LIO) and initiator, and open-iscsi's programs.
//!
//! Needs a machine that may be changed by root and whose kernel has both, such as `cargo xtask lab up lvm` starts; elsewhere every test
//! fails and says so. Each test has a target of its own, and leaves nothing.

mod attach;
mod database;
mod detach;
mod machine;
mod target;
