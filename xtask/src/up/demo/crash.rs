//! Processes killed in the middle of work: what was accepted is done, and nothing stays half done.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::{
    content::{Content, GIB},
    data::ORIGINAL,
    stage::Stage,
};
use crate::up::service::{Service, kill_host};

/// How many volumes are on their way when the processes die.
const CLONES: usize = 4;
const EMPTY: usize = 4;

/// The supervisor starts another host, which finishes the work of the one that died.
pub(super) fn host(stage: &mut Stage) -> Result<String> {
    let before = stage.service.hosts()?;
    ensure!(before.len() == 1, "expected one host, got {before:?}");
    let names = begin(stage, "host")?;
    let under_way = transient(stage)?;
    before.iter().copied().for_each(kill_host);
    settle(stage, &names)?;
    let after = stage.service.hosts()?;
    ensure!(after.len() == 1 && after != before, "expected another host than {before:?}, got {after:?}");
    Ok(format!("{under_way} of {} were under way; all ended, every byte compared", names.len()))
}

/// A new service, and with it a new host, finishes the work, a deletion among it.
pub(super) fn everything(stage: &mut Stage) -> Result<String> {
    let doomed = stage.volume("host-empty-0")?.id;
    let names = begin(stage, "service")?;
    stage.api.delete(&format!("volumes/{doomed}"))?;
    stage.volumes.remove("host-empty-0");
    let under_way = transient(stage)?;
    stage.service.hosts()?.into_iter().for_each(kill_host);
    stage.service.kill()?;
    stage.service = Service::start(&stage.programs, &stage.place)?;
    stage.service.wait_healthy(&stage.api, &stage.stop)?;
    settle(stage, &names)?;
    stage.wait_gone("volume", &doomed)?;
    Ok(format!("{under_way} of {} were under way; all ended, every byte compared", names.len() + 1))
}

fn begin(stage: &mut Stage, prefix: &str) -> Result<Vec<String>> {
    let original = stage.volume(ORIGINAL)?;
    let mut names = Vec::new();
    for number in 0..CLONES {
        let name = format!("{prefix}-clone-{number}");
        stage.ask_for_volume(&name, &json!({ "source_volid": original.id }), original.content.clone())?;
        names.push(name);
    }
    for number in 0..EMPTY {
        let name = format!("{prefix}-empty-{number}");
        stage.ask_for_volume(&name, &json!({}), Content::zeros(GIB))?;
        names.push(name);
    }
    Ok(names)
}

/// How many volumes are between two states.
fn transient(stage: &Stage) -> Result<usize> {
    let answer = stage.api.get("volumes/detail")?;
    let volumes = answer["volumes"].as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(volumes.iter().filter(|volume| !at_rest(&volume["status"])).count())
}

fn at_rest(status: &Value) -> bool {
    status.as_str().is_some_and(|status| matches!(status, "available" | "in-use") || status.starts_with("error"))
}

fn settle(stage: &Stage, names: &[String]) -> Result<()> {
    for name in names {
        stage.wait("volume", &stage.volume(name)?.id, "available")?;
    }
    // A clone that reads its source: the source must be free again, and whole.
    for name in names.iter().map(String::as_str).chain([ORIGINAL]) {
        stage.compare(name)?;
    }
    Ok(())
}
