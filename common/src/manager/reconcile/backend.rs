//! What the backend holds against what the records say.

use std::collections::{BTreeMap, BTreeSet};

use super::{Error, Look};
use crate::{
    driver::{Inventory, Snapshot, Volume},
    findings::{About, Finding, Kind},
    ids::{AttachmentId, VolumeId},
    state::{AttachmentState, SnapshotState, VolumeState},
    store::records::{AttachmentRecord, SnapshotRecord, VolumeRecord},
};

/// Records and backend, as they were at about the same time.
struct Sides {
    inventory: Inventory,
    volumes: BTreeMap<VolumeId, VolumeRecord>,
    snapshots: Vec<SnapshotRecord>,
    attachments: Vec<AttachmentRecord>,
}

pub(super) async fn findings(look: &Look<'_>) -> Result<Vec<Finding>, Error> {
    let inventory = look.driver.list(look.ctx).await.map_err(Error::Backend)?;
    let mut tx = look.store.read().await?;
    let volumes = tx.volumes_on(look.backend).await?;
    let snapshots = tx.snapshots_on(look.backend).await?;
    let ids: Vec<VolumeId> = volumes.iter().map(|volume| volume.id).collect();
    let attachments = tx.attachments_of(&ids).await?;
    drop(tx);
    let volumes = volumes.into_iter().map(|volume| (volume.id, volume)).collect();
    let sides = Sides { inventory, volumes, snapshots, attachments };

    let mut found = Vec::new();
    unknown_volumes(look, &sides, &mut found).await?;
    unknown_snapshots(look, &sides, &mut found).await?;
    known_volumes(look, &sides, &mut found).await?;
    known_snapshots(look, &sides, &mut found).await?;
    unknown_exports(look, &sides, &mut found).await?;
    known_exports(look, &sides, &mut found).await?;
    Ok(found)
}

async fn unknown_volumes(look: &Look<'_>, sides: &Sides, found: &mut Vec<Finding>) -> Result<(), Error> {
    for held in sides.inventory.volumes.iter().filter(|held| !sides.volumes.contains_key(&held.volume.id)) {
        let there = look.driver.inspect(look.ctx, &held.volume).await.map_err(Error::Backend)?.is_some();
        let mut tx = look.store.read().await?;
        if there && tx.volume(held.volume.id).await?.is_none() {
            let ours = tx.ever_logged(&held.volume.id.to_string()).await?;
            let detail = format!("{} on the backend", held.size);
            found.push(Finding {
                kind: Kind::VolumeWithoutRecord,
                about: About::Volume { volume: held.volume.clone() },
                detail,
                ours,
            });
        }
    }
    Ok(())
}

async fn unknown_snapshots(look: &Look<'_>, sides: &Sides, found: &mut Vec<Finding>) -> Result<(), Error> {
    let known: BTreeSet<_> = sides.snapshots.iter().map(|snapshot| snapshot.id).collect();
    for held in sides.inventory.snapshots.iter().filter(|held| !known.contains(&held.snapshot.id)) {
        let there = look.driver.inspect_snapshot(look.ctx, &held.snapshot).await.map_err(Error::Backend)?.is_some();
        let mut tx = look.store.read().await?;
        if there && tx.snapshot(held.snapshot.id).await?.is_none() {
            // Whose the volume is, its snapshots are: they go with it, without an entry of their own.
            let of = held.snapshot.volume.id;
            let ours = tx.ever_logged(&held.snapshot.id.to_string()).await?
                || tx.ever_logged(&of.to_string()).await?
                || sides.volumes.contains_key(&of);
            found.push(Finding {
                kind: Kind::SnapshotWithoutRecord,
                about: About::Snapshot { snapshot: held.snapshot.clone() },
                detail: format!("of volume {of}"),
                ours,
            });
        }
    }
    Ok(())
}

async fn known_volumes(look: &Look<'_>, sides: &Sides, found: &mut Vec<Finding>) -> Result<(), Error> {
    let held: BTreeMap<VolumeId, &Volume> = sides.inventory.volumes.iter().map(|held| (held.volume.id, held)).collect();
    for volume in sides.volumes.values().filter(|volume| volume.state == VolumeState::Available) {
        if held.get(&volume.id).map(|held| held.size) == Some(volume.size) {
            continue;
        }
        let Some((_, reference)) = volume.placed() else { continue };
        // The record before and after the backend, so that a change of both in between is no difference.
        let before = look.store.look().await?.volume(volume.id).await?;
        let held = look.driver.inspect(look.ctx, &reference).await.map_err(Error::Backend)?;
        let after = look.store.look().await?.volume(volume.id).await?;
        let steady = before.zip(after).filter(|(before, after)| {
            before.state == after.state && before.size == after.size && after.state == VolumeState::Available
        });
        let Some((_, record)) = steady else { continue };
        let (kind, detail) = match held {
            None => (Kind::RecordWithoutVolume, format!("{} by its record", record.size)),
            Some(held) if held.size != record.size => {
                (Kind::WrongSize, format!("{} by its record, {} on the backend", record.size, held.size))
            }
            Some(_) => continue,
        };
        found.push(Finding { kind, about: About::Volume { volume: reference }, detail, ours: true });
    }
    Ok(())
}

async fn known_snapshots(look: &Look<'_>, sides: &Sides, found: &mut Vec<Finding>) -> Result<(), Error> {
    let held: BTreeSet<_> = sides.inventory.snapshots.iter().map(|held: &Snapshot| held.snapshot.id).collect();
    let rest = sides.snapshots.iter().filter(|snapshot| snapshot.state == SnapshotState::Available);
    for snapshot in rest.filter(|snapshot| !held.contains(&snapshot.id)) {
        let reference = snapshot.reference();
        let held = look.driver.inspect_snapshot(look.ctx, &reference).await.map_err(Error::Backend)?;
        let record = look.store.look().await?.snapshot(snapshot.id).await?;
        if held.is_none() && record.is_some_and(|record| record.state == SnapshotState::Available) {
            found.push(Finding {
                kind: Kind::RecordWithoutSnapshot,
                detail: format!("of volume {}", snapshot.volume_id),
                about: About::Snapshot { snapshot: reference },
                ours: true,
            });
        }
    }
    Ok(())
}

/// Exports of volumes that have a record: those of others go with their volume.
async fn unknown_exports(look: &Look<'_>, sides: &Sides, found: &mut Vec<Finding>) -> Result<(), Error> {
    let known: BTreeSet<AttachmentId> = sides.attachments.iter().map(|attachment| attachment.id).collect();
    for held in sides.inventory.volumes.iter().filter(|held| sides.volumes.contains_key(&held.volume.id)) {
        for id in held.attachments.iter().filter(|id| !known.contains(id)) {
            let now = look.driver.inspect(look.ctx, &held.volume).await.map_err(Error::Backend)?;
            let there = now.is_some_and(|now| now.attachments.contains(id));
            if there && look.store.look().await?.attachment(*id).await?.is_none() {
                found.push(Finding {
                    kind: Kind::ExportWithoutRecord,
                    about: About::Attachment { volume: held.volume.clone(), attachment: *id },
                    detail: format!("of volume {}", held.volume.id),
                    ours: true,
                });
            }
        }
    }
    Ok(())
}

async fn known_exports(look: &Look<'_>, sides: &Sides, found: &mut Vec<Finding>) -> Result<(), Error> {
    let exported: BTreeSet<AttachmentId> =
        sides.inventory.volumes.iter().flat_map(|held| held.attachments.iter().copied()).collect();
    for attachment in sides.attachments.iter().filter(|one| is_exported(one) && !exported.contains(&one.id)) {
        let volume = sides.volumes.get(&attachment.volume_id).and_then(VolumeRecord::placed);
        let Some((_, reference)) = volume else { continue };
        // Without the volume there can be no export: that is the finding then.
        let Some(held) = look.driver.inspect(look.ctx, &reference).await.map_err(Error::Backend)? else { continue };
        let record = look.store.look().await?.attachment(attachment.id).await?;
        if record.as_ref().is_some_and(is_exported) && !held.attachments.contains(&attachment.id) {
            found.push(Finding {
                kind: Kind::AttachmentWithoutExport,
                about: About::Attachment { volume: reference, attachment: attachment.id },
                detail: format!("of volume {}: detach it, and attach it again", attachment.volume_id),
                ours: true,
            });
        }
    }
    Ok(())
}

/// A client was told how to connect, and nothing is under way.
fn is_exported(attachment: &AttachmentRecord) -> bool {
    let rest =
        matches!(attachment.state, AttachmentState::Exported | AttachmentState::Attached | AttachmentState::Leaving);
    rest && attachment.connection.is_some()
}
