//! Attachments: a device-mapper device each, and what leads to it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use ashlar_common::{
    driver::{AttachmentSpec, ConnectionInfo, Detach, OpCtx, Outcome},
    ids::{AttachmentId, VolumeId},
    units::ByteCount,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// How volumes are handed to clients.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportOptions {}

/// What an attachment leads to.
#[derive(Clone, Debug)]
pub struct Backing {
    /// The logical volume's device.
    pub device: PathBuf,
    /// Its exact size.
    pub size: ByteCount,
}

/// The exports of one volume group.
#[derive(Debug)]
pub struct Exports;

/// Writes wait.
#[derive(Debug)]
pub struct Hold;

impl Hold {
    /// Writes go on.
    pub async fn release(self) -> Result<(), Error> {
        Ok(())
    }
}

impl Exports {
    pub async fn open(_: &OpCtx, _: &ExportOptions, _: &Path, _: &str) -> Result<Self, Error> {
        Ok(Self)
    }
    pub async fn restore(&self, _: &OpCtx, _: &BTreeMap<VolumeId, Backing>) -> Result<(), Error> {
        Ok(())
    }
    pub async fn attach(
        &self,
        _: &OpCtx,
        _: VolumeId,
        _: &Backing,
        _: &AttachmentSpec,
        _: u32,
    ) -> Result<Outcome<ConnectionInfo>, Error> {
        Err(Error::Unsupported("there are no exports yet".to_owned()))
    }
    pub async fn detach(&self, _: &OpCtx, _: VolumeId, _: Detach) -> Result<Outcome<()>, Error> {
        Ok(Outcome::Unchanged(()))
    }
    pub async fn resize(&self, _: &OpCtx, _: VolumeId, _: &Backing) -> Result<(), Error> {
        Ok(())
    }
    pub fn attachments(&self, _: VolumeId) -> Vec<AttachmentId> {
        Vec::new()
    }
    pub async fn hold(&self, _: &OpCtx, _: &[VolumeId]) -> Result<Hold, Error> {
        Ok(Hold)
    }
}
