//! Records that belong to whoever asks. Another project's do not exist for them.

use ashlar_common::{
    ids::{AttachmentId, SnapshotId, VolumeId},
    manager::Requester,
    store::{
        Tx,
        records::{AttachmentRecord, SnapshotRecord, VolumeRecord},
    },
};

use super::error::ApiError;

/// The volume of that id.
///
/// # Errors
/// 404, 503.
pub(crate) async fn volume(tx: &mut Tx, who: &Requester, id: VolumeId) -> Result<VolumeRecord, ApiError> {
    let found = tx.volume(id).await?;
    found.filter(|volume| volume.project_id == who.project_id).ok_or_else(|| ApiError::not_found("volume", id))
}

/// The snapshot of that id.
///
/// # Errors
/// 404, 503.
pub(crate) async fn snapshot(tx: &mut Tx, who: &Requester, id: SnapshotId) -> Result<SnapshotRecord, ApiError> {
    let found = tx.snapshot(id).await?;
    found.filter(|snapshot| snapshot.project_id == who.project_id).ok_or_else(|| ApiError::not_found("snapshot", id))
}

/// The attachment of that id.
///
/// # Errors
/// 404, 503.
pub(crate) async fn attachment(tx: &mut Tx, who: &Requester, id: AttachmentId) -> Result<AttachmentRecord, ApiError> {
    let found = tx.attachment(id).await?;
    found
        .filter(|attachment| attachment.project_id == who.project_id)
        .ok_or_else(|| ApiError::not_found("attachment", id))
}
