//! Committing what came of an operation: one transaction for the record, the log and the user's message.

use jiff::Timestamp;

use super::{
    attach::keep,
    perform::Effect,
    reserved::{self, Takes},
    user_message,
};
use crate::{
    ids::{AttachmentId, BackendName, OpId, SnapshotId, VolumeId},
    points::Point,
    state::{AttachmentEvent, Refused, SnapshotEvent, SnapshotState, VolumeEvent},
    store::{
        Store, Tx,
        error::{Error, Result},
        records::{Operation, OperationError, Subject, Work},
        volumes::WholeVolume,
    },
};

/// How an operation ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Ending {
    /// Well.
    Done(Effect),
    /// Nothing was changed on the backend.
    GaveBack(OperationError),
    /// The backend is in doubt.
    Failed(OperationError),
}

impl Ending {
    fn error(&self) -> Option<&OperationError> {
        match self {
            Self::Done(_) => None,
            Self::GaveBack(error) | Self::Failed(error) => Some(error),
        }
    }

    fn volume_event(&self, op: OpId) -> VolumeEvent {
        match self {
            Self::Done(_) => VolumeEvent::Done(op),
            Self::GaveBack(_) => VolumeEvent::GaveBack(op),
            Self::Failed(_) => VolumeEvent::Failed(op),
        }
    }

    fn snapshot_event(&self, op: OpId) -> SnapshotEvent {
        match self {
            Self::Done(_) => SnapshotEvent::Done(op),
            Self::GaveBack(_) => SnapshotEvent::GaveBack(op),
            Self::Failed(_) => SnapshotEvent::Failed(op),
        }
    }

    fn attachment_event(&self, op: OpId) -> AttachmentEvent {
        match self {
            Self::Done(_) => AttachmentEvent::Done(op),
            Self::GaveBack(_) => AttachmentEvent::GaveBack(op),
            Self::Failed(_) => AttachmentEvent::Failed(op),
        }
    }
}

/// Commits an ending under the epoch that claimed the operation.
///
/// # Errors
/// [`Fenced`](crate::store::Error::Fenced) when another host has taken over: it will find out for itself.
pub(super) async fn commit(
    store: &Store,
    backend: &BackendName,
    epoch: u64,
    operation: &Operation,
    ending: &Ending,
) -> Result<()> {
    let concluded = conclude(store, backend, epoch, operation, ending).await;
    let Err(error @ Error::Database(_)) = concluded else { return concluded };
    // It does not fit the records: they may be another's to write by now.
    if store.write().await?.end_own_operation(operation.id, backend, epoch, ending.error(), store.now()).await? {
        return Err(error);
    }
    Ok(())
}

async fn conclude(
    store: &Store,
    backend: &BackendName,
    epoch: u64,
    operation: &Operation,
    ending: &Ending,
) -> Result<()> {
    let now = store.now();
    let mut tx = store.write().await?;
    let project = match operation.work.subject() {
        Subject::Volume(id) => volume(&mut tx, id, operation, ending, now).await?,
        Subject::Snapshot(id) => snapshot(&mut tx, id, operation, ending, now).await?,
        Subject::Attachment(id) => attachment(&mut tx, id, operation, ending, now).await?,
    };
    if let (Some(error), Some(project)) = (ending.error(), project) {
        let text = format!("{}: {}", operation.work.name().replace('-', " "), error.message);
        let event = user_message::event_id(&operation.work);
        let subject = operation.work.subject();
        user_message::tell(&mut tx, &project, &operation.request_id, subject, event, text, now).await?;
    }
    // Last, so that all that changes is sent with it. Where it says no, none of that is kept.
    if !tx.end_own_operation(operation.id, backend, epoch, ending.error(), now).await? {
        tracing::warn!(op = %operation.id, "ended by somebody else; this outcome is not committed");
        return Ok(());
    }
    store.reached(Point::Concluded).await;
    tx.commit().await
}

/// A state that does not wait for this operation (an administrator reset it) stays; what the backend now holds is
/// recorded all the same.
fn or_stay<S: Clone>(op: OpId, before: &S, after: std::result::Result<S, Refused>) -> S {
    after.unwrap_or_else(|refused| {
        tracing::warn!(%op, %refused, "the state was reset meanwhile; it stays");
        before.clone()
    })
}

async fn volume(
    tx: &mut Tx,
    id: VolumeId,
    operation: &Operation,
    ending: &Ending,
    now: Timestamp,
) -> Result<Option<String>> {
    let Some(WholeVolume { mut volume, attachments, .. }) = tx.whole_volume(id).await? else { return Ok(None) };
    let project = volume.project_id.clone();
    let done = matches!(ending, Ending::Done(_));
    if let Work::DeleteVolume { snapshots, .. } = &operation.work {
        // Which of them went before the operation ended otherwise is not known: each can be deleted again.
        let each = match ending {
            Ending::GaveBack(error) => &Ending::Failed(error.clone()),
            other => other,
        };
        for reference in snapshots {
            snapshot(tx, reference.id, operation, each, now).await?;
        }
        if done {
            tx.remove_volume(id).await?;
            return Ok(Some(project));
        }
    }
    // Its state was reset meanwhile, and the room it counts for is that of what came then.
    let others = volume.state.op().is_some_and(|op| op != operation.id);
    volume.state = or_stay(operation.id, &volume.state, volume.state.on(&ending.volume_event(operation.id)));
    if let (Work::ExtendVolume { to, .. }, Ending::Done(_)) = (&operation.work, ending) {
        volume.size = *to;
    }
    match (Takes::of(&operation.work), ending) {
        (Takes::Nothing, _) => {}
        (_, Ending::GaveBack(_)) if others => {}
        (Takes::Added, Ending::GaveBack(_)) => reserved::give_back_growth(tx, &mut volume).await?,
        (Takes::All, Ending::GaveBack(_)) => reserved::never_taken(tx, &mut volume).await?,
        (Takes::Added | Takes::All, Ending::Done(_) | Ending::Failed(_)) => reserved::taken(tx, &mut volume).await?,
    }
    tx.update_volume_with(&mut volume, &attachments, now).await?;
    Ok(Some(project))
}

async fn snapshot(
    tx: &mut Tx,
    id: SnapshotId,
    operation: &Operation,
    ending: &Ending,
    now: Timestamp,
) -> Result<Option<String>> {
    let Some(mut snapshot) = tx.snapshot(id).await? else { return Ok(None) };
    let project = snapshot.project_id.clone();
    let removes = matches!(operation.work, Work::DeleteSnapshot { .. } | Work::DeleteVolume { .. });
    snapshot.state = or_stay(operation.id, &snapshot.state, snapshot.state.on(&ending.snapshot_event(operation.id)));
    if (removes && matches!(ending, Ending::Done(_))) || snapshot.state == SnapshotState::Deleted {
        tx.remove_snapshot(id).await?;
    } else {
        tx.update_snapshot(&mut snapshot, now).await?;
    }
    Ok(Some(project))
}

async fn attachment(
    tx: &mut Tx,
    id: AttachmentId,
    operation: &Operation,
    ending: &Ending,
    now: Timestamp,
) -> Result<Option<String>> {
    let Some(mut attachment) = tx.attachment(id).await? else { return Ok(None) };
    let project = attachment.project_id.clone();
    attachment.state =
        or_stay(operation.id, &attachment.state, attachment.state.on(&ending.attachment_event(operation.id)));
    if let Ending::Done(Effect::Connected(connection)) = ending {
        attachment.connection = Some(connection.clone());
    }
    keep(tx, &attachment, now).await?;
    Ok(Some(project))
}
