//! The end: nothing is left.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::stage::Stage;
use crate::up::service::empty;

/// What the backend's directory is made of; a driver leaves these, and nothing in them.
const ROOMS: &[&str] = &["volumes", "snapshots", "attachments", "tmp"];

pub(super) fn delete(stage: &mut Stage) -> Result<String> {
    let snapshot = stage.snapshot()?;
    stage.api.delete(&format!("snapshots/{}", snapshot.id))?;
    stage.wait_gone("snapshot", &snapshot.id)?;
    for known in stage.volumes.values() {
        stage.api.delete(&format!("volumes/{}", known.id))?;
    }
    for known in stage.volumes.values() {
        stage.wait_gone("volume", &known.id)?;
    }
    for name in ["volumes", "snapshots", "attachments"] {
        let list = stage.api.get(name)?;
        ensure!(empty(&list, name), "expected no {name}, got {list}");
    }
    let root = stage.place.volumes();
    for room in ROOMS {
        let left = entries(&root.join(room))?;
        ensure!(left.is_empty(), "expected nothing in {}, got {left:?}", root.join(room).display());
    }
    let deleted = stage.volumes.len();
    stage.volumes.clear();
    Ok(format!("{deleted} volumes and the snapshot are gone; lists and backend are empty"))
}

pub(super) fn stop(stage: &mut Stage) -> Result<String> {
    let hosts = stage.service.hosts()?;
    let status = stage.service.stop()?;
    ensure!(status.success(), "expected exit status 0, got {status}");
    let alive = hosts.iter().filter(|pid| Path::new(&format!("/proc/{pid}")).exists()).count();
    ensure!(alive == 0, "expected no host to outlive the service, got {hosts:?}");
    Ok("exit status 0, and no host left".to_owned())
}

fn entries(directory: &Path) -> Result<Vec<String>> {
    let read = std::fs::read_dir(directory).with_context(|| format!("cannot list {}", directory.display()))?;
    read.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}
