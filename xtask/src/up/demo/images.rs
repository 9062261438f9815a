//! Images out of volumes, and volumes out of images.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use xshell::{Shell, cmd};

use super::{
    content::{GIB, MIB},
    data::ORIGINAL,
    stage::{Known, Stage},
};
use crate::up::api::text;

/// Says what to do where the tool is missing with which the driver writes qcow2.
pub(super) fn ensure_tool() -> Result<()> {
    let shell = Shell::new()?;
    let asked = cmd!(shell, "qemu-img --version").quiet().ignore_stdout().ignore_stderr().run();
    asked.context(
        "the demonstration makes a qcow2 image, for which qemu-img is missing: apt-get install qemu-utils (`cargo \
         xtask test` installs all that tests need)",
    )
}

pub(super) fn upload(stage: &mut Stage) -> Result<String> {
    let original = stage.volume(ORIGINAL)?;
    let wanted = json!({ "image_name": "golden", "disk_format": "qcow2", "container_format": "bare" });
    let action = json!({ "os-volume_upload_image": wanted });
    let answer = stage.api.post(&format!("volumes/{}/action", original.id), &action)?;
    let id = text(&answer, "/os-volume_upload_image/image_id")?.to_owned();
    stage.wait("volume", &original.id, "available")?;
    let path = stage.place.images().join(format!("{id}.qcow2"));
    let file = std::fs::metadata(&path).with_context(|| format!("expected an image at {}", path.display()))?;
    let most = GIB / 4;
    ensure!(file.len() < most, "expected an image without the zeros, below {most} bytes, got {}", file.len());
    stage.image = Some(Known { id, content: original.content });
    Ok(format!("1 GiB in {} MiB: zeros are left out", file.len() / MIB))
}

pub(super) fn download(stage: &mut Stage) -> Result<String> {
    let image = stage.image.clone().context("no earlier step made the image")?;
    stage.make_volume("from-image", &json!({ "imageRef": image.id }), image.content)?;
    let shown = stage.api.get(&format!("volumes/{}", stage.volume("from-image")?.id))?;
    let bootable = &shown["volume"]["bootable"];
    ensure!(bootable == "true", "expected a bootable volume, got bootable {bootable}");
    Ok("every byte as in the uploaded volume; bootable".to_owned())
}
