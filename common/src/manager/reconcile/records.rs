//! What the records say against the operation log, and the log against the files of images.

use std::collections::{BTreeMap, BTreeSet};

use super::{Error, Look, MOST};
use crate::{
    findings::{About, Finding, Kind},
    ids::{OpId, PoolName, VolumeId},
    store::{
        Tx,
        pool_use::PoolUse,
        records::{AttachmentRecord, Operation, Phase, SnapshotRecord, Subject, VolumeRecord, Work},
    },
    units::ByteCount,
};

/// What the records of a backend are, each kind read by one statement: looked up one by one, ten thousand that wait after a
/// crash would keep the host from going on with them.
struct Known {
    volumes: BTreeMap<VolumeId, VolumeRecord>,
    snapshots: Vec<SnapshotRecord>,
    attachments: Vec<AttachmentRecord>,
    /// Operations that have yet to end.
    open: BTreeSet<OpId>,
}

pub(super) async fn findings(look: &Look<'_>) -> Result<Vec<Finding>, Error> {
    let mut found = Vec::new();
    // One consistent view: a state and the operation it waits for are written in one transaction.
    let mut tx = look.store.read().await?;
    let known = Known::read(&mut tx, look).await?;
    known.transient(&mut found);
    for operation in tx.open_operations(look.backend, u32::try_from(MOST).unwrap_or(u32::MAX)).await? {
        let subject = operation.work.subject();
        // A look at the store for what is not here: it may be another backend's.
        if needs_subject(&operation.work) && !known.has(subject) && !has_subject(&mut tx, &operation).await? {
            found.push(Finding {
                kind: Kind::OperationWithoutSubject,
                detail: format!("{} of {} {}", operation.work.name(), subject.kind(), subject.id()),
                about: About::Operation { operation: operation.id },
                ours: true,
            });
        }
    }
    miscounted(&mut tx, look, &mut found).await?;
    drop(tx);
    unfinished_files(look, &mut found).await?;
    Ok(found)
}

impl Known {
    async fn read(tx: &mut Tx, look: &Look<'_>) -> Result<Self, Error> {
        let volumes = tx.volumes_on(look.backend).await?;
        let ids: Vec<VolumeId> = volumes.iter().map(|volume| volume.id).collect();
        Ok(Self {
            volumes: volumes.into_iter().map(|volume| (volume.id, volume)).collect(),
            snapshots: tx.snapshots_on(look.backend).await?,
            attachments: tx.attachments_of(&ids).await?,
            open: tx.open_operation_ids(look.backend).await?,
        })
    }

    fn has(&self, subject: Subject) -> bool {
        match subject {
            Subject::Volume(id) => self.volumes.contains_key(&id),
            Subject::Snapshot(id) => self.snapshots.iter().any(|snapshot| snapshot.id == id),
            Subject::Attachment(id) => self.attachments.iter().any(|attachment| attachment.id == id),
        }
    }

    /// Things that wait for an operation which is not open.
    fn transient(&self, found: &mut Vec<Finding>) {
        let mut push = |about, status: &str, op: Option<OpId>| {
            let Some(op) = op.filter(|op| !self.open.contains(op)) else { return };
            let detail = format!("{status}, for operation {op} which is not open");
            found.push(Finding { kind: Kind::StateWithoutOperation, about, detail, ours: true });
        };
        for volume in self.volumes.values() {
            let Some((_, reference)) = volume.placed() else { continue };
            push(About::Volume { volume: reference }, volume.status.as_str(), volume.state.op());
        }
        for snapshot in &self.snapshots {
            push(About::Snapshot { snapshot: snapshot.reference() }, snapshot.status.as_str(), snapshot.state.op());
        }
        for attachment in &self.attachments {
            let Some((_, volume)) = self.volumes.get(&attachment.volume_id).and_then(VolumeRecord::placed) else {
                continue;
            };
            push(
                About::Attachment { volume, attachment: attachment.id },
                attachment.state.word(),
                attachment.state.op(),
            );
        }
    }
}

async fn miscounted(tx: &mut Tx, look: &Look<'_>, found: &mut Vec<Finding>) -> Result<(), Error> {
    let by_records = tx.pool_use_by_records().await?;
    let counted = tx.pool_use().await?;
    let pools: BTreeSet<&PoolName> =
        by_records.iter().chain(&counted).filter(|pool| pool.backend == *look.backend).map(|pool| &pool.pool).collect();
    for pool in pools {
        let of = |all: &[PoolUse]| {
            let found = all.iter().find(|one| one.backend == *look.backend && one.pool == *pool);
            found.map_or((ByteCount::ZERO, 0, ByteCount::ZERO), |found| {
                (found.provisioned, found.volumes, found.promised)
            })
        };
        let (right, wrong) = (of(&by_records), of(&counted));
        if right != wrong {
            let of = |(provisioned, volumes, promised)| {
                format!("{provisioned} in {volumes} volumes, {promised} in no report")
            };
            let detail = format!("{}; counted as {}", of(right), of(wrong));
            let about = About::Pool { pool: pool.clone() };
            found.push(Finding { kind: Kind::PoolMiscounted, about, detail, ours: true });
        }
    }
    Ok(())
}

/// Whether the operation has yet to end.
pub(super) async fn is_open(tx: &mut Tx, op: OpId) -> Result<bool, crate::store::Error> {
    let phase = tx.operation(op).await?.map(|operation| operation.phase);
    Ok(matches!(phase, Some(Phase::Pending | Phase::Running)))
}

/// Whether the work makes or changes what a record must know. What removes things may be about things without a record:
/// that is how findings are cleaned.
pub(super) fn needs_subject(work: &Work) -> bool {
    !matches!(work, Work::DeleteVolume { .. } | Work::DeleteSnapshot { .. } | Work::Detach { .. })
}

pub(super) async fn has_subject(tx: &mut Tx, operation: &Operation) -> Result<bool, crate::store::Error> {
    Ok(match operation.work.subject() {
        Subject::Volume(id) => tx.volume(id).await?.is_some(),
        Subject::Snapshot(id) => tx.snapshot(id).await?.is_some(),
        Subject::Attachment(id) => tx.attachment(id).await?.is_some(),
    })
}

/// Files of operations that have ended. Those of other backends are left to their hosts; what no log entry knows is
/// reported by each, and is nobody's to remove.
async fn unfinished_files(look: &Look<'_>, found: &mut Vec<Finding>) -> Result<(), Error> {
    let Some(images) = look.images.cloned() else { return Ok(()) };
    let files = tokio::task::spawn_blocking(move || images.unfinished(MOST)).await.map_err(std::io::Error::other)??;
    let mut tx = look.store.read().await?;
    for (op, path) in files {
        let operation = tx.operation(op).await?;
        let (ours, detail) = match &operation {
            Some(operation) if operation.backend != *look.backend => continue,
            Some(operation) if matches!(operation.phase, Phase::Pending | Phase::Running) => continue,
            Some(operation) => (true, format!("{}, of {}", path.display(), operation.work.name())),
            None => (false, format!("{}, of an operation that the log does not know", path.display())),
        };
        found.push(Finding { kind: Kind::LeftoverFile, about: About::File { operation: op, path }, detail, ours });
    }
    Ok(())
}
