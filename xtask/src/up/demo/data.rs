//! Volumes, snapshots and clones, and what they hold.

use anyhow::{Result, ensure};
use serde_json::json;

use super::{
    content::{Content, GIB, MIB, Stretch},
    stage::{Known, Stage},
};
use crate::up::api::text;

pub(super) const ORIGINAL: &str = "original";
pub(super) const CLONE: &str = "clone";

/// 64 MiB: at the start, across odd places, and up to the last byte.
const FIRST: &[Stretch] = &[
    Stretch { offset: 0, length: 16 * MIB, seed: 1 },
    Stretch { offset: 100 * MIB + 512, length: MIB, seed: 2 },
    Stretch { offset: 511 * MIB - 4096, length: 15 * MIB, seed: 3 },
    Stretch { offset: GIB - 32 * MIB, length: 32 * MIB, seed: 4 },
];

/// Covers parts of the first, with stretches inside it and beyond it.
const SECOND: &[Stretch] = &[
    Stretch { offset: 4 * MIB, length: 4 * MIB, seed: 5 },
    Stretch { offset: 200 * MIB, length: 8 * MIB, seed: 6 },
    Stretch { offset: GIB - MIB, length: MIB, seed: 7 },
];

pub(super) fn create(stage: &mut Stage) -> Result<String> {
    stage.make_volume(ORIGINAL, &json!({}), Content::zeros(GIB))?;
    Ok("available, and all of it reads zero".to_owned())
}

pub(super) fn write(stage: &mut Stage) -> Result<String> {
    let bytes: u64 = FIRST.iter().map(|stretch| stretch.length).sum();
    put(stage, FIRST)?;
    Ok(format!("{} MiB in {} places read back; the old path opens nothing", bytes / MIB, FIRST.len()))
}

pub(super) fn snapshot(stage: &mut Stage) -> Result<String> {
    let original = stage.volume(ORIGINAL)?;
    let wanted = json!({ "volume_id": original.id, "name": "monday" });
    let answer = stage.api.post("snapshots", &json!({ "snapshot": wanted }))?;
    let id = text(&answer, "/snapshot/id")?.to_owned();
    stage.wait("snapshot", &id, "available")?;
    let answer = stage.api.get(&format!("snapshots/{id}"))?;
    ensure!(answer["snapshot"]["size"] == 1, "expected a snapshot of 1 GiB, got {answer}");
    stage.snapshot = Some(Known { id, content: original.content });
    Ok("available, 1 GiB".to_owned())
}

pub(super) fn overwrite(stage: &mut Stage) -> Result<String> {
    let bytes: u64 = SECOND.iter().map(|stretch| stretch.length).sum();
    put(stage, SECOND)?;
    Ok(format!("{} MiB of another pattern read back among the first", bytes / MIB))
}

pub(super) fn from_snapshot(stage: &mut Stage) -> Result<String> {
    let snapshot = stage.snapshot()?;
    stage.make_volume("from-snapshot", &json!({ "snapshot_id": snapshot.id }), snapshot.content)?;
    Ok("every byte as when the snapshot was taken".to_owned())
}

pub(super) fn clone(stage: &mut Stage) -> Result<String> {
    let original = stage.volume(ORIGINAL)?;
    stage.make_volume(CLONE, &json!({ "source_volid": original.id }), original.content)?;
    stage.compare(ORIGINAL)?;
    Ok("every byte as in the volume, which is unchanged".to_owned())
}

pub(super) fn revert(stage: &mut Stage) -> Result<String> {
    let (original, snapshot) = (stage.volume(ORIGINAL)?, stage.snapshot()?);
    let revert = json!({ "revert": { "snapshot_id": snapshot.id } });
    stage.api.post(&format!("volumes/{}/action", original.id), &revert)?;
    stage.wait("volume", &original.id, "available")?;
    stage.volumes.insert(ORIGINAL.to_owned(), Known { id: original.id, content: snapshot.content });
    stage.compare(ORIGINAL)?;
    stage.compare("from-snapshot")?;
    Ok("every byte as when the snapshot was taken".to_owned())
}

fn put(stage: &mut Stage, written: &[Stretch]) -> Result<()> {
    let original = stage.volume(ORIGINAL)?;
    stage.attached(&original.id, |path| written.iter().try_for_each(|stretch| stretch.write(path)))?;
    let content = original.content.with(written);
    stage.volumes.insert(ORIGINAL.to_owned(), Known { id: original.id, content });
    stage.compare(ORIGINAL)
}
