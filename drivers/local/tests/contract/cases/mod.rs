//! One claim a function, by subject.

pub(crate) mod attach;
pub(crate) mod killed;
pub(crate) mod robust;
pub(crate) mod setup;
pub(crate) mod snapshots;
pub(crate) mod volumes;
