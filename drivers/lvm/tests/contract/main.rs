//! What the driver does when what it stands on breaks: LVM's program, its volume group, its own process.
//!
//! Real LVM and a real volume group are behind it each time; between the driver and LVM's shell may stand a script that
//! does once what a test asks for. That the driver keeps the contract while all is well is proven in `tests/conformance`.

mod bench;
mod failure;
mod group;
mod hanging;
mod killed;
mod reads;
mod reverts;
mod steps;
mod swaps;
mod tool;
mod tools;
