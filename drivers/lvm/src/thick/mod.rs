//! What copies bytes in a thick group: clones, volumes from snapshots, reverts.

use ashlar_common::driver::{OpCtx, Outcome, VolumeSpec};

use crate::{backend::Backend, error::Error, lvm::Lv};

/// A volume with the bytes that another has at one instant.
pub async fn clone_volume(_: &Backend, _: &OpCtx, _: &VolumeSpec, _: &Lv) -> Result<Outcome<Lv>, Error> {
    Err(Error::Unsupported("thick clones are not there yet".to_owned()))
}

/// A volume with a snapshot's bytes.
pub async fn from_snapshot(_: &Backend, _: &OpCtx, _: &VolumeSpec, _: &Lv) -> Result<Outcome<Lv>, Error> {
    Err(Error::Unsupported("thick copies are not there yet".to_owned()))
}

/// The bytes of a snapshot in its volume.
pub async fn revert(_: &Backend, _: &OpCtx, _volume: &Lv, _snapshot: &Lv) -> Result<Lv, Error> {
    Err(Error::Unsupported("thick reverts are not there yet".to_owned()))
}

/// Finishes what a dead host left: the volume has an intent that this module gave it.
pub async fn finish(_: &Backend, _: &OpCtx, _volume: &Lv) -> Result<(), Error> {
    Ok(())
}
