//! Snapshots of several volumes at one instant.

use async_trait::async_trait;

use crate::driver::{
    context::OpCtx,
    error::Result,
    spec::{Outcome, Snapshot, SnapshotRef},
};

/// Freezing several volumes at the same instant.
#[async_trait]
pub trait GroupSnapshots: Send + Sync {
    /// Takes all of these snapshots, which are of different volumes, in their order.
    ///
    /// - \[group.1\] Of one instant: a write that ended before another began is in it if the other is, whichever volumes
    ///   they went to.
    /// - \[group.2\] All or none. Again with the same ids: `Unchanged`, with the bytes of the first time.
    async fn create_group_snapshot(&self, ctx: &OpCtx, snapshots: &[SnapshotRef]) -> Result<Outcome<Vec<Snapshot>>>;
}
