//! Names and sizes that no honest caller gives.

use std::{fs, path::Path};

use ashlar_common::{
    driver::{AccessMode, AttachmentSpec, Detach, ImageFile, Kind, SnapshotRef, VolumeRef, VolumeSpec},
    ids::{PoolName, SnapshotId},
    image::ImageFormat,
    units::ByteCount,
};

use crate::{
    answers::{changed, done, refuses},
    behaviour::{Behaviour, Group},
    claims::Need,
    contents::{pattern, same},
    outcome::{Held, Stop, ensure},
    stage::Stage,
};

use super::Case;

/// The size of volumes here; whole sectors, so that images of every format can have it.
const SIZE: usize = (1 << 20) + 512;
/// What text becomes dangerous by, if somebody takes it for a path, an option, a command, a format or a URL.
const HOSTILE: [&str; 9] = [
    "/dev/null",
    "--help",
    "-rf",
    "$(false)",
    "'; false; \"",
    "a,b=c:d",
    "json:{\"driver\":\"null-co\"}",
    "%s%n\\x",
    "two\nlines",
];
/// How a driver may refuse such a text.
const REFUSAL: [Kind; 2] = [Kind::Invalid, Kind::Unsupported];
/// Sizes that overflow where somebody rounds up, counts in other units or keeps a signed word.
const HUGE: [u64; 4] = [i64::MAX as u64, i64::MAX as u64 - 511, (1 << 62) + 1, (1 << 53) + 1];

/// Behaviours 7 and 8.
pub const CASES: &[Case] = &[
    Case {
        behaviour: Behaviour {
            number: 7,
            group: Group::LifeCycle,
            name: "hostile_names_are_refused_or_harmless",
            clauses: &["name.1", "name.2", "manage.3"],
            need: Need::Core,
        },
        run: |stage| Box::pin(names(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 8,
            group: Group::LifeCycle,
            name: "no_bytes_and_absurdly_many_are_refused",
            clauses: &["create.5", "extend.1", "copy.1", "call.3"],
            need: Need::Core,
        },
        run: |stage| Box::pin(sizes(stage)),
    },
];

async fn names(stage: &Stage) -> Held {
    let content = pattern(stage.seed, SIZE);
    let volume = stage.create_holding(&content).await?;
    for pool in ["elsewhere", "tmp", "a..b", "x._-"] {
        if pool != stage.site.pool().as_str() {
            in_no_pool(stage, &volume, pool.parse().map_err(Stop::failed)?).await?;
        }
    }
    let trap = tempfile::tempdir().map_err(Stop::failed)?;
    let planted = format!("{}{}/planted", "../".repeat(16), trap.path().display());
    for (text, format) in
        HOSTILE.into_iter().chain([planted.as_str()]).zip([ImageFormat::Raw, ImageFormat::Qcow2].into_iter().cycle())
    {
        connector_with(stage, &volume, &content, text).await?;
        spec_with(stage, text).await?;
        image_at(stage, &volume, &content, text, format).await?;
        foreign(stage, text).await?;
    }
    let found = files_of(trap.path())?;
    ensure(found.is_empty(), || format!("a name was taken for a path, and made files elsewhere: {found:?}"))?;
    stage.has_just("after all the names", &[&volume], &[]).await?;
    stage.holds("a volume after all the names", &volume, &content).await?;
    let exports = stage.site.exports().await.map_err(Stop::failed)?;
    ensure(exports.is_empty(), || format!("exported after all the names: {}", exports.join(", ")))
}

/// A pool that is not there holds nothing, and nobody may conclude from it that a volume is gone.
async fn in_no_pool(stage: &Stage, there: &VolumeRef, pool: PoolName) -> Held {
    let driver = stage.driver().await;
    let what = |call: &str| format!("{call} in the pool {pool}, which is not there");
    let volume = VolumeRef { id: there.id, pool: pool.clone() };
    let kinds = &[Kind::Invalid, Kind::NotFound];
    let spec = VolumeSpec { volume: volume.clone(), ..stage.spec(SIZE as u64)? };
    let new = VolumeSpec { volume: VolumeRef { pool: pool.clone(), ..stage.spec(1)?.volume }, ..spec.clone() };
    let snapshot = SnapshotRef { id: SnapshotId::new(), volume: volume.clone() };
    refuses(&what("inspect"), driver.inspect(&stage.ctx(), &volume).await, kinds)?;
    refuses(&what("inspect_snapshot"), driver.inspect_snapshot(&stage.ctx(), &snapshot).await, kinds)?;
    refuses(&what("create"), driver.create(&stage.ctx(), &new).await, kinds)?;
    refuses(&what("delete"), driver.delete(&stage.ctx(), &volume).await, kinds)?;
    refuses(&what("create_snapshot"), driver.create_snapshot(&stage.ctx(), &snapshot).await, kinds)?;
    refuses(&what("delete_snapshot"), driver.delete_snapshot(&stage.ctx(), &snapshot).await, kinds)?;
    refuses(&what("clone_volume"), driver.clone_volume(&stage.ctx(), &new, there).await, kinds)?;
    refuses(&what("detach"), driver.detach(&stage.ctx(), &volume, Detach::All).await, kinds)?;
    let attachment = stage.attachment(AccessMode::ReadWrite);
    refuses(&what("attach"), driver.attach(&stage.ctx(), &volume, &attachment).await, kinds)?;
    let larger = ByteCount::new(2 * SIZE as u64).map_err(Stop::failed)?;
    refuses(&what("extend"), driver.extend(&stage.ctx(), &volume, larger).await, kinds)
}

/// Connectors are the client's own words.
async fn connector_with(stage: &Stage, volume: &VolumeRef, content: &[u8], text: &str) -> Held {
    for key in ["host", "initiator", "ip", text] {
        let mut attachment: AttachmentSpec = stage.attachment(AccessMode::ReadWrite);
        attachment.connector.0.insert(key.to_owned(), text.into());
        let what = format!("attach with {text:?} for the connector's {key:?}");
        match stage.driver().await.attach(&stage.ctx(), volume, &attachment).await {
            Ok(made) => {
                let disk = stage.site.connect(&made.into_inner(), AccessMode::ReadWrite).await;
                let disk = disk.map_err(|error| Stop::failed(format!("{what} opens nothing: {error}")))?;
                let mut found = vec![0; content.len()];
                let found = tokio::task::spawn_blocking(move || disk.read_at(&mut found, 0).map(|()| found)).await;
                same(&what, &found.map_err(Stop::failed)?.map_err(Stop::failed)?, content)?;
            }
            refused => refuses(&what, refused, &REFUSAL)?,
        }
        done("detach", stage.driver().await.detach(&stage.ctx(), volume, Detach::One(attachment.id)).await)?;
    }
    Ok(())
}

/// Extra specs come from whoever makes volume types.
async fn spec_with(stage: &Stage, text: &str) -> Held {
    for key in ["ashlar:hostile", text] {
        let mut spec = stage.spec(SIZE as u64)?;
        spec.extra_specs.insert(key.to_owned(), text.to_owned());
        match stage.driver().await.create(&stage.ctx(), &spec).await {
            Ok(_) => {
                stage.has_size("made with a hostile extra spec", &spec.volume, SIZE as u64).await?;
                stage.delete(&spec.volume).await?;
            }
            refused => refuses(&format!("create with the extra spec {key:?} = {text:?}"), refused, &REFUSAL)?,
        }
        stage.is_absent("after a hostile extra spec", &spec.volume).await?;
    }
    Ok(())
}

/// A file of that name is an image like any other: what `qemu-img` makes of names is its own business.
async fn image_at(stage: &Stage, volume: &VolumeRef, content: &[u8], text: &str, format: ImageFormat) -> Held {
    let folder = tempfile::tempdir().map_err(Stop::failed)?;
    let name = text.replace('/', "|");
    let image = ImageFile { path: folder.path().join(&name), format };
    let what = format!("a {format} image named {name:?}");
    done(&what, stage.driver().await.copy_volume_to_image(&stage.ctx(), volume, &image).await)?;
    let files = files_of(folder.path())?;
    ensure(files == [name], || format!("{what} was written, and these are the files: {files:?}"))?;
    let copy = stage.spec(SIZE as u64)?;
    changed(&what, stage.driver().await.copy_image_to_volume(&stage.ctx(), &copy, &image).await)?;
    stage.holds(&what, &copy.volume, content).await?;
    stage.delete(&copy.volume).await
}

fn files_of(folder: &Path) -> Held<Vec<String>> {
    let entries = fs::read_dir(folder).map_err(Stop::failed)?;
    let name = |entry: std::io::Result<fs::DirEntry>| entry.map(|entry| entry.file_name().to_string_lossy().into());
    entries.map(name).collect::<Result<_, _>>().map_err(Stop::failed)
}

/// Names of what others made, where the driver takes such things over.
async fn foreign(stage: &Stage, text: &str) -> Held {
    let driver = stage.driver().await;
    let Some(manage) = driver.manage() else { return Ok(()) };
    let spec = stage.spec(SIZE as u64)?;
    let path_or_option = text.contains('/') || text.starts_with('-');
    // What is neither may be a name where the backend has such; then there is nothing of it.
    let kinds: &[Kind] = if path_or_option { &[Kind::Invalid] } else { &[Kind::Invalid, Kind::NotFound] };
    refuses(&format!("manage of {text:?}"), manage.manage(&stage.ctx(), &spec, text).await, kinds)?;
    stage.is_absent("after it was not taken over", &spec.volume).await
}

async fn sizes(stage: &Stage) -> Held {
    let content = pattern(stage.seed, SIZE);
    let volume = stage.create_holding(&content).await?;
    let snapshot = stage.snapshot(&volume).await?;
    none(stage, &volume, &snapshot).await?;
    for size in HUGE {
        too_many(stage, size).await?;
    }
    stage.has_just("after all the sizes", &[&volume], &[&snapshot]).await?;
    stage.holds("a volume after all the sizes", &volume, &content).await
}

async fn none(stage: &Stage, volume: &VolumeRef, snapshot: &SnapshotRef) -> Held {
    let driver = stage.driver().await;
    let spec = stage.spec(0)?;
    let invalid = &[Kind::Invalid];
    refuses("create of no bytes", driver.create(&stage.ctx(), &spec).await, invalid)?;
    refuses("a clone of no bytes", driver.clone_volume(&stage.ctx(), &spec, volume).await, invalid)?;
    let answer = driver.create_from_snapshot(&stage.ctx(), &spec, snapshot).await;
    refuses("a volume of a snapshot of no bytes", answer, invalid)?;
    let folder = tempfile::tempdir().map_err(Stop::failed)?;
    let image = ImageFile { path: folder.path().join("image"), format: ImageFormat::Raw };
    fs::write(&image.path, [1]).map_err(Stop::failed)?;
    let answer = driver.copy_image_to_volume(&stage.ctx(), &spec, &image).await;
    refuses("a volume of an image of no bytes", answer, invalid)?;
    refuses("extend to no bytes", driver.extend(&stage.ctx(), volume, ByteCount::ZERO).await, invalid)?;
    stage.is_absent("of no bytes", &spec.volume).await?;
    if stage.unit() > 1 {
        let spec = stage.spec(SIZE as u64 + 1)?;
        refuses("create of bytes that are no whole units", driver.create(&stage.ctx(), &spec).await, invalid)?;
        stage.is_absent("of bytes that are no whole units", &spec.volume).await?;
    }
    Ok(())
}

/// A thin volume may be larger than its pool; then it has exactly that size. What is refused leaves all as it was.
async fn too_many(stage: &Stage, size: u64) -> Held {
    let kinds = &[Kind::Invalid, Kind::OutOfSpace];
    let driver = stage.driver().await;
    let spec = stage.spec(size)?;
    match driver.create(&stage.ctx(), &spec).await {
        Ok(_) if !stage.claims.thick => {
            stage.has_size("of absurdly many bytes", &spec.volume, size).await?;
            stage.delete(&spec.volume).await?;
        }
        answer => refuses(&format!("create of {size} bytes"), answer, kinds)?,
    }
    stage.is_absent("of absurdly many bytes", &spec.volume).await?;

    let content = pattern(stage.seed + 1, SIZE);
    let grown = stage.create_holding(&content).await?;
    match driver.extend(&stage.ctx(), &grown, ByteCount::new(size).map_err(Stop::failed)?).await {
        Ok(_) if !stage.claims.thick => stage.has_size("extended to absurdly many bytes", &grown, size).await?,
        answer => {
            refuses(&format!("extend to {size} bytes"), answer, kinds)?;
            stage.has_size("after it was not extended", &grown, SIZE as u64).await?;
            stage.holds("a volume that was not extended", &grown, &content).await?;
        }
    }
    stage.delete(&grown).await
}
