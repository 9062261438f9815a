//! What users are told of operations that did not go well.

use jiff::{SignedDuration, Timestamp};

use crate::store::{
    Tx,
    records::{MessageRecord, Subject, Work},
};

/// Messages are kept as long as Cinder keeps them.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Tells the project that owns `subject`.
pub(super) async fn tell(
    tx: &mut Tx,
    project_id: &str,
    request_id: &str,
    subject: Subject,
    event_id: &str,
    text: String,
    now: Timestamp,
) -> crate::store::error::Result<()> {
    let message = MessageRecord {
        id: tx.id::<uuid::Uuid>().to_string(),
        project_id: project_id.to_owned(),
        request_id: request_id.to_owned(),
        resource_type: subject.kind().to_uppercase(),
        resource_id: subject.id(),
        event_id: event_id.to_owned(),
        user_message: text,
        created_at: now,
        expires_at: now + KEPT,
    };
    tx.insert_message(&message).await
}

/// No pool fitted, in Cinder's code for it.
pub(super) const NO_POOL: &str = "VOLUME_VOLUME_001_002";

/// What was there is not, in Cinder's code for an unknown error.
pub(super) const LOST: &str = "VOLUME_VOLUME_001_001";

/// Cinder's `VOLUME_<resource>_<action>_<detail>`; 001 is its unknown error.
pub(super) fn event_id(work: &Work) -> &'static str {
    match work {
        Work::CreateVolume { .. } | Work::CreateFromSnapshot { .. } | Work::CloneVolume { .. } => {
            "VOLUME_VOLUME_015_001"
        }
        Work::ImageIn { .. } => "VOLUME_VOLUME_005_001",
        Work::ImageOut { .. } => "VOLUME_VOLUME_004_001",
        Work::DeleteVolume { .. } => "VOLUME_VOLUME_018_001",
        Work::ExtendVolume { .. } => "VOLUME_VOLUME_007_001",
        Work::RevertVolume { .. } => "VOLUME_VOLUME_017_001",
        Work::CreateSnapshot { .. } => "VOLUME_VOLUME_SNAPSHOT_009_001",
        Work::DeleteSnapshot { .. } => "VOLUME_VOLUME_SNAPSHOT_010_001",
        Work::Attach { .. } | Work::Detach { .. } => "VOLUME_VOLUME_002_001",
    }
}
