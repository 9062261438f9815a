//! Volumes that grow.

use anyhow::{Result, ensure};
use serde_json::json;

use super::{
    content::GIB,
    data::CLONE,
    stage::{Known, Stage},
};

pub(super) fn extend(stage: &mut Stage) -> Result<String> {
    let clone = stage.volume(CLONE)?;
    stage.api.post(&format!("volumes/{}/action", clone.id), &json!({ "os-extend": { "new_size": 2 } }))?;
    stage.wait("volume", &clone.id, "available")?;
    let shown = stage.api.get(&format!("volumes/{}", clone.id))?;
    ensure!(shown["volume"]["size"] == 2, "expected a size of 2, got {}", shown["volume"]["size"]);
    let content = clone.content.grown_to(2 * GIB);
    stage.volumes.insert(CLONE.to_owned(), Known { id: clone.id, content });
    stage.compare(CLONE)?;
    Ok("the first GiB is kept, the second reads zero".to_owned())
}
