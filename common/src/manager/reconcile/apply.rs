//! Mending one finding.

use serde::Serialize;

use super::{Error, Look, mend, records};
use crate::{
    driver::{Kind as ErrorKind, SnapshotRef, VolumeRef},
    findings::{About, Finding, Kind},
    ids::{AttachmentId, OpId, PoolName},
    manager::{attach::keep, reserved, user_message},
    state::{SnapshotEvent, SnapshotState, Status, VolumeEvent, VolumeState},
    store::{
        self, Tx,
        records::{Operation, OperationError, Phase, Subject, Work},
    },
};

/// The request id of what nobody asked for by the API.
const REQUEST: &str = "reconcile";

/// Who mends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The backend's host, under this epoch: it may have lost the backend meanwhile.
    Host(u64),
    /// A person. All that reaches the backend is left to the host.
    Operator,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Applied {
    /// An operation is logged, which the backend's host carries out.
    Logged(OpId),
    /// A record or the log is set right.
    Recorded,
    /// The file is removed.
    Removed,
    /// It is not so any more, or an operation is at it: nothing was done.
    Stale,
}

/// Mends a finding of a look that was just made, if it still is so.
///
/// # Errors
/// When store or backend do not answer, or the host was fenced.
pub async fn apply(look: &Look<'_>, by: By, finding: &Finding) -> Result<Applied, Error> {
    if !finding.ours || finding.kind.cleaned().is_none() {
        return Ok(Applied::Stale);
    }
    match (finding.kind, &finding.about) {
        (Kind::VolumeWithoutRecord, About::Volume { volume }) => {
            log(look, by, Work::DeleteVolume { volume: volume.clone(), snapshots: Vec::new() }).await
        }
        (Kind::SnapshotWithoutRecord, About::Snapshot { snapshot }) => {
            log(look, by, Work::DeleteSnapshot { snapshot: snapshot.clone() }).await
        }
        (Kind::ExportWithoutRecord, About::Attachment { volume, attachment }) => {
            log(look, by, Work::Detach { volume: volume.clone(), attachment: *attachment }).await
        }
        (Kind::RecordWithoutVolume, About::Volume { volume }) => lost_volume(look, by, volume).await,
        (Kind::RecordWithoutSnapshot, About::Snapshot { snapshot }) => lost_snapshot(look, by, snapshot).await,
        (Kind::StateWithoutOperation, About::Volume { volume }) => mend_volume(look, by, volume).await,
        (Kind::StateWithoutOperation, About::Snapshot { snapshot }) => mend_snapshot(look, by, snapshot).await,
        (Kind::StateWithoutOperation, About::Attachment { attachment, .. }) => {
            mend_attachment(look, by, *attachment).await
        }
        (Kind::OperationWithoutSubject, About::Operation { operation }) => end_operation(look, by, *operation).await,
        (Kind::PoolMiscounted, About::Pool { pool }) => recount(look, by, pool).await,
        (Kind::LeftoverFile, About::File { operation, path }) => remove_file(look, *operation, path).await,
        _ => Ok(Applied::Stale),
    }
}

/// A transaction of somebody who may still act.
async fn begin(look: &Look<'_>, by: By) -> Result<Tx, store::Error> {
    let mut tx = look.store.write().await?;
    if let By::Host(epoch) = by {
        tx.still_member(look.backend, epoch).await?;
    }
    Ok(tx)
}

/// Has the host remove what no record knows: in turn with all that is asked of it, and again if it dies over it.
async fn log(look: &Look<'_>, by: By, work: Work) -> Result<Applied, Error> {
    let (now, id) = (look.store.now(), look.store.id());
    let mut tx = begin(look, by).await?;
    let subject = work.subject();
    let known = match subject {
        Subject::Volume(id) => tx.volume(id).await?.is_some(),
        Subject::Snapshot(id) => tx.snapshot(id).await?.is_some(),
        Subject::Attachment(id) => tx.attachment(id).await?.is_some(),
    };
    if known || tx.any_open_on(&subject.id()).await? {
        return Ok(Applied::Stale);
    }
    let backend = look.backend.clone();
    tx.log_operation(&Operation::pending(id, backend, REQUEST.to_owned(), work, now)).await?;
    tx.commit().await?;
    Ok(Applied::Logged(id))
}

async fn lost_volume(look: &Look<'_>, by: By, reference: &VolumeRef) -> Result<Applied, Error> {
    let now = look.store.now();
    let mut tx = begin(look, by).await?;
    let found = tx.volume(reference.id).await?.filter(|volume| volume.state == VolumeState::Available);
    let Some(mut volume) = found else { return Ok(Applied::Stale) };
    if tx.any_open_on(&reference.id.to_string()).await? {
        return Ok(Applied::Stale);
    }
    let Ok(state) = volume.state.on(&VolumeEvent::Reset(Status::Error)) else { return Ok(Applied::Stale) };
    volume.state = state;
    tx.update_volume(&mut volume, now).await?;
    let text = format!("backend {} no longer has this volume", look.backend);
    let subject = Subject::Volume(volume.id);
    user_message::tell(&mut tx, &volume.project_id, REQUEST, subject, user_message::LOST, text, now).await?;
    tx.commit().await?;
    Ok(Applied::Recorded)
}

async fn lost_snapshot(look: &Look<'_>, by: By, reference: &SnapshotRef) -> Result<Applied, Error> {
    let mut tx = begin(look, by).await?;
    let found = tx.snapshot(reference.id).await?.filter(|snapshot| snapshot.state == SnapshotState::Available);
    let Some(mut snapshot) = found else { return Ok(Applied::Stale) };
    let Ok(state) = snapshot.state.on(&SnapshotEvent::Reset(Status::Error)) else { return Ok(Applied::Stale) };
    snapshot.state = state;
    tx.update_snapshot(&mut snapshot, look.store.now()).await?;
    tx.commit().await?;
    Ok(Applied::Recorded)
}

async fn mend_volume(look: &Look<'_>, by: By, reference: &VolumeRef) -> Result<Applied, Error> {
    let held = look.driver.inspect(look.ctx, reference).await.map_err(Error::Backend)?;
    let now = look.store.now();
    let mut tx = begin(look, by).await?;
    let Some(mut volume) = tx.volume(reference.id).await? else { return Ok(Applied::Stale) };
    let next = mend::volume(&volume.state, volume.size, volume.provisioned, held.as_ref());
    let Some((op, event)) = next else { return Ok(Applied::Stale) };
    if records::is_open(&mut tx, op).await? {
        return Ok(Applied::Stale);
    }
    let extending = matches!(volume.state, VolumeState::Extending(_));
    let Ok(state) = volume.state.on(&event) else { return Ok(Applied::Stale) };
    // Its record cannot go while others name it.
    let named = !tx.snapshots_of(volume.id).await?.is_empty() || !tx.attachments_of(&[volume.id]).await?.is_empty();
    volume.state = match state {
        VolumeState::Deleted if !named => {
            tx.remove_volume(volume.id).await?;
            tx.commit().await?;
            return Ok(Applied::Recorded);
        }
        VolumeState::Deleted => volume.state.on(&VolumeEvent::Failed(op)).unwrap_or(volume.state),
        state => state,
    };
    match event {
        VolumeEvent::Done(_) if extending => volume.size = volume.provisioned,
        VolumeEvent::GaveBack(_) if extending => reserved::give_back_growth(&mut tx, &mut volume).await?,
        _ => {}
    }
    tx.update_volume(&mut volume, now).await?;
    tx.commit().await?;
    Ok(Applied::Recorded)
}

async fn mend_snapshot(look: &Look<'_>, by: By, reference: &SnapshotRef) -> Result<Applied, Error> {
    let held = look.driver.inspect_snapshot(look.ctx, reference).await.map_err(Error::Backend)?;
    let mut tx = begin(look, by).await?;
    let Some(mut snapshot) = tx.snapshot(reference.id).await? else { return Ok(Applied::Stale) };
    let Some((op, event)) = mend::snapshot(&snapshot.state, held.as_ref()) else { return Ok(Applied::Stale) };
    if records::is_open(&mut tx, op).await? {
        return Ok(Applied::Stale);
    }
    let Ok(state) = snapshot.state.on(&event) else { return Ok(Applied::Stale) };
    snapshot.state = state;
    if snapshot.state == SnapshotState::Deleted {
        tx.remove_snapshot(snapshot.id).await?;
    } else {
        tx.update_snapshot(&mut snapshot, look.store.now()).await?;
    }
    tx.commit().await?;
    Ok(Applied::Recorded)
}

async fn mend_attachment(look: &Look<'_>, by: By, id: AttachmentId) -> Result<Applied, Error> {
    let mut tx = begin(look, by).await?;
    let Some(mut attachment) = tx.attachment(id).await? else { return Ok(Applied::Stale) };
    let Some((op, event)) = mend::attachment(&attachment.state) else { return Ok(Applied::Stale) };
    if records::is_open(&mut tx, op).await? {
        return Ok(Applied::Stale);
    }
    let Ok(state) = attachment.state.on(&event) else { return Ok(Applied::Stale) };
    attachment.state = state;
    keep(&mut tx, &attachment, look.store.now()).await?;
    tx.commit().await?;
    Ok(Applied::Recorded)
}

/// Ends an operation that no host has yet: one that is running ends by itself, and leaves what it made to the next look.
async fn end_operation(look: &Look<'_>, by: By, id: OpId) -> Result<Applied, Error> {
    let mut tx = begin(look, by).await?;
    let pending = tx.operation(id).await?.filter(|operation| operation.phase == Phase::Pending);
    let Some(operation) = pending else { return Ok(Applied::Stale) };
    if !records::needs_subject(&operation.work) || records::has_subject(&mut tx, &operation).await? {
        return Ok(Applied::Stale);
    }
    let subject = operation.work.subject();
    let why = format!("{} {} has no record: nobody would know of what this makes", subject.kind(), subject.id());
    let error = OperationError { kind: ErrorKind::NotFound, message: why };
    tx.end_operation(id, Some(&error), look.store.now()).await?;
    tx.commit().await?;
    Ok(Applied::Recorded)
}

async fn recount(look: &Look<'_>, by: By, pool: &PoolName) -> Result<Applied, Error> {
    let mut tx = begin(look, by).await?;
    tx.recount(look.backend, pool).await?;
    tx.commit().await?;
    Ok(Applied::Recorded)
}

/// Removes a file whose operation has ended, and so will never write to it again.
async fn remove_file(look: &Look<'_>, op: OpId, path: &std::path::Path) -> Result<Applied, Error> {
    if records::is_open(&mut look.store.read().await?, op).await? {
        return Ok(Applied::Stale);
    }
    match tokio::fs::remove_file(path).await {
        Ok(()) => Ok(Applied::Removed),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Applied::Stale),
        Err(error) => Err(error.into()),
    }
}
