//! A real volume group for tests, on a sparse file: raised in a second, broken on purpose, and gone afterwards.
//!
//! It takes a kernel with device-mapper: tests of a job whose lab is `lvm` have that (see [`crate::machine`]); elsewhere
//! the error says so. Whatever is stacked on a group goes with it: volumes, device-mapper devices, mounts, iSCSI targets and
//! sessions. A group that a killed process left is taken down by the next one that raises one.

mod group;
mod made;
mod node;
mod residue;
mod shape;
mod stack;
mod targets;
mod tools;

pub use group::{VolumeGroup, sweep};
pub use residue::residue;
pub use shape::{Disk, Shape, State, ThinPool};
