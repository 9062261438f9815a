//! The parts of a run, a file each.

pub mod attaches;
pub mod creates;
pub mod deletes;
pub mod gets;
pub mod lists;
pub mod many;
pub mod memory;
pub mod placing;
pub mod recovery;
pub mod soak;
pub mod starts;
