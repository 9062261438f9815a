//! What the records say against the operation log, and the log against the files of images.

use std::collections::BTreeSet;

use super::{Error, Look, MOST};
use crate::{
    findings::{About, Finding, Kind},
    ids::{OpId, PoolName, VolumeId},
    store::{
        Tx,
        pool_use::PoolUse,
        records::{Operation, Phase, Subject, VolumeRecord, Work},
    },
    units::ByteCount,
};

pub(super) async fn findings(look: &Look<'_>) -> Result<Vec<Finding>, Error> {
    let mut found = Vec::new();
    // One consistent view: a state and the operation it waits for are written in one transaction.
    let mut tx = look.store.read().await?;
    let volumes = tx.volumes_on(look.backend).await?;
    transient(&mut tx, look, &volumes, &mut found).await?;
    for operation in tx.open_operations(look.backend, u32::try_from(MOST).unwrap_or(u32::MAX)).await? {
        if needs_subject(&operation.work) && !has_subject(&mut tx, &operation).await? {
            found.push(Finding {
                kind: Kind::OperationWithoutSubject,
                detail: format!(
                    "{} of {} {}",
                    operation.work.name(),
                    subject(&operation).kind(),
                    subject(&operation).id()
                ),
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

/// Things that wait for an operation which is not open.
async fn transient(
    tx: &mut Tx,
    look: &Look<'_>,
    volumes: &[VolumeRecord],
    found: &mut Vec<Finding>,
) -> Result<(), Error> {
    let mut push = |about, status: &str, op: OpId| {
        let detail = format!("{status}, for operation {op} which is not open");
        found.push(Finding { kind: Kind::StateWithoutOperation, about, detail, ours: true });
    };
    for volume in volumes {
        let (Some(op), Some((_, reference))) = (volume.state.op(), volume.placed()) else { continue };
        if !is_open(tx, op).await? {
            push(About::Volume { volume: reference }, volume.status.as_str(), op);
        }
    }
    for snapshot in tx.snapshots_on(look.backend).await? {
        let Some(op) = snapshot.state.op() else { continue };
        if !is_open(tx, op).await? {
            push(About::Snapshot { snapshot: snapshot.reference() }, snapshot.status.as_str(), op);
        }
    }
    let ids: Vec<VolumeId> = volumes.iter().map(|volume| volume.id).collect();
    for attachment in tx.attachments_of(&ids).await? {
        let placed = volumes.iter().find(|volume| volume.id == attachment.volume_id).and_then(VolumeRecord::placed);
        let (Some(op), Some((_, volume))) = (attachment.state.op(), placed) else { continue };
        if !is_open(tx, op).await? {
            push(About::Attachment { volume, attachment: attachment.id }, attachment.state.word(), op);
        }
    }
    Ok(())
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
    Ok(match subject(operation) {
        Subject::Volume(id) => tx.volume(id).await?.is_some(),
        Subject::Snapshot(id) => tx.snapshot(id).await?.is_some(),
        Subject::Attachment(id) => tx.attachment(id).await?.is_some(),
    })
}

fn subject(operation: &Operation) -> Subject {
    operation.work.subject()
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
