//! Limits on what a client may ask of a volume.

use std::num::NonZeroU64;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::driver::{
    context::OpCtx,
    error::Result,
    spec::{Outcome, VolumeRef},
};

/// What a client may ask of a volume each second; no number, no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Reads.
    pub read_iops: Option<NonZeroU64>,
    /// Writes.
    pub write_iops: Option<NonZeroU64>,
    /// Bytes read.
    pub read_bytes: Option<NonZeroU64>,
    /// Bytes written.
    pub write_bytes: Option<NonZeroU64>,
}

/// Limits that the backend enforces, whoever the client is.
#[async_trait]
pub trait Qos: Send + Sync {
    /// Sets the limits of a volume, in place of those it had; attached clients feel them at once.
    ///
    /// - \[qos.1\] Measured over some seconds, a client gets no more than the limit and a good part of it.
    /// - \[qos.2\] No limits again: as fast as before.
    async fn limit(&self, ctx: &OpCtx, volume: &VolumeRef, limits: &Limits) -> Result<Outcome<()>>;
}
