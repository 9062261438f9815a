//! Images in and out, whole and cut off.

use std::{
    fs::{self, OpenOptions},
    path::Path,
};

use ashlar_common::{
    driver::{ImageFile, Kind, VolumeSpec},
    image::ImageFormat,
};

use crate::{
    answers::{changed, equal, refuses, unchanged},
    behaviour::{Behaviour, Group},
    claims::Need,
    contents::{pattern, same, with_zero_tail},
    outcome::{Held, Stop, ensure},
    qcow2::Qcow2,
    stage::Stage,
};

use super::Case;

/// The size of disks here: whole sectors, as qcow2 counts, and no whole number of clusters.
const SIZE: usize = (4 << 20) + 3 * 512;
/// An image that takes a while to read.
const LONG: usize = 24 << 20;

/// Behaviours 26, 32 and 33.
pub const CASES: &[Case] = &[
    Case {
        behaviour: Behaviour {
            number: 26,
            group: Group::Images,
            name: "raw_and_qcow2_come_back_as_they_went",
            clauses: &["image.1", "image.4", "image.5", "call.1"],
            need: Need::Core,
        },
        run: |stage| Box::pin(round_trip(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 32,
            group: Group::Images,
            name: "image_larger_than_the_volume_is_refused",
            clauses: &["image.3", "call.3"],
            need: Need::Core,
        },
        run: |stage| Box::pin(too_large(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 33,
            group: Group::Images,
            name: "image_that_is_cut_off_becomes_no_volume",
            clauses: &["image.6", "copy.3", "call.1"],
            need: Need::Core,
        },
        run: |stage| Box::pin(cut_off(stage)),
    },
];

/// Images of a case, gone with it.
pub(super) struct Folder(tempfile::TempDir);

impl Folder {
    pub(super) fn new() -> Held<Self> {
        tempfile::tempdir().map(Self).map_err(|error| Stop::NotRun(format!("no directory for images: {error}")))
    }

    /// Puts an image there, in place of the last of that name.
    pub(super) fn image(&self, name: &str, format: ImageFormat, bytes: &[u8]) -> Held<ImageFile> {
        let path = self.path().join(name);
        fs::write(&path, bytes).map_err(|error| Stop::NotRun(format!("cannot write an image: {error}")))?;
        Ok(ImageFile { path, format })
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }
}

/// The image is refused as one of these kinds, and there is nothing of a volume.
pub(super) async fn refused(stage: &Stage, what: &str, image: &ImageFile, spec: &VolumeSpec, kinds: &[Kind]) -> Held {
    let answer = stage.driver().await.copy_image_to_volume(&stage.ctx(), spec, image).await;
    refuses(what, answer, kinds)?;
    stage.is_absent(&format!("after {what} was refused"), &spec.volume).await?;
    stage.is_tidy().await
}

/// Bytes with a long hole, as disks have.
fn disk(seed: u64) -> Vec<u8> {
    let mut bytes = pattern(seed, SIZE);
    bytes[1 << 20..3 << 20].fill(0);
    bytes
}

async fn round_trip(stage: &Stage) -> Held {
    let folder = Folder::new()?;
    let content = disk(stage.seed);
    let of = Qcow2::of(&content);
    let images = [
        ("raw", ImageFormat::Raw, content.clone()),
        ("qcow2", ImageFormat::Qcow2, of.to_file()),
        ("qcow2 of version 2", ImageFormat::Qcow2, Qcow2 { version: 2, ..of }.to_file()),
        ("qcow2 with small clusters", ImageFormat::Qcow2, Qcow2 { cluster_bits: 12, ..of }.to_file()),
        ("qcow2 with large clusters", ImageFormat::Qcow2, Qcow2 { cluster_bits: 21, ..of }.to_file()),
    ];
    for (what, format, bytes) in images {
        let image = folder.image("image", format, &bytes)?;
        for size in [SIZE, SIZE + 4097] {
            goes_in(stage, what, &image, &content, size).await?;
        }
    }
    comes_out(stage, &folder, &content).await
}

async fn goes_in(stage: &Stage, what: &str, image: &ImageFile, content: &[u8], size: usize) -> Held {
    let size = stage.whole(size);
    let spec = stage.spec(size as u64)?;
    let ctx = stage.ctx();
    let progress = ctx.watch_progress();
    let made = changed(what, stage.driver().await.copy_image_to_volume(&ctx, &spec, image).await)?;
    equal(&format!("the size of a volume of {what}"), &made.size, &spec.size)?;
    equal(&format!("percent reported when {what} is in"), &progress.borrow().percent(), &100)?;
    let expected = with_zero_tail(content, size);
    stage.holds(&format!("a volume of {what}"), &spec.volume, &expected).await?;
    let answer = stage.driver().await.copy_image_to_volume(&stage.ctx(), &spec, image).await;
    unchanged(&format!("{what} again"), answer)?;
    refuses(
        "create by the id of a volume of an image",
        stage.driver().await.create(&stage.ctx(), &spec).await,
        &[Kind::Conflict],
    )?;
    stage.holds(&format!("a volume of {what}, asked for again"), &spec.volume, &expected).await?;
    stage.delete(&spec.volume).await
}

async fn comes_out(stage: &Stage, folder: &Folder, content: &[u8]) -> Held {
    let volume = stage.create_holding(content).await?;
    for format in [ImageFormat::Raw, ImageFormat::Qcow2] {
        let what = format!("a volume as {format}");
        let image = folder.image("image", format, b"an older one")?;
        let ctx = stage.ctx();
        let progress = ctx.watch_progress();
        changed(&what, stage.driver().await.copy_volume_to_image(&ctx, &volume, &image).await)?;
        equal(&format!("percent reported when {what} is out"), &progress.borrow().percent(), &100)?;
        let bytes = fs::read(&image.path).map_err(|error| Stop::failed(format!("{what} is not there: {error}")))?;
        match format {
            ImageFormat::Raw => same(&what, &bytes, content)?,
            ImageFormat::Qcow2 => same(&what, bytes.get(..4).unwrap_or_default(), b"QFI\xfb")?,
        }
        let files = fs::read_dir(folder.path()).map_err(Stop::failed)?.count();
        equal(&format!("files where {what} was written"), &files, &1)?;
        goes_in(stage, &what, &image, content, SIZE).await?;
    }
    stage.holds("a volume that was copied out", &volume, content).await?;
    // Raw has no sectors.
    let odd = pattern(stage.seed + 1, stage.whole(SIZE + 1));
    let volume = stage.create_holding(&odd).await?;
    let image = ImageFile { path: folder.path().join("odd"), format: ImageFormat::Raw };
    let answer = stage.driver().await.copy_volume_to_image(&stage.ctx(), &volume, &image).await;
    changed("a volume of an odd number of bytes as raw", answer)?;
    same("it", &fs::read(&image.path).map_err(Stop::failed)?, &odd)
}

async fn too_large(stage: &Stage) -> Held {
    let folder = Folder::new()?;
    // Zeros count too: the disk's size is what must fit, not what it holds.
    let mut content = disk(stage.seed);
    content[SIZE - 4096..].fill(0);
    let raw = folder.image("raw", ImageFormat::Raw, &content)?;
    let qcow2 = folder.image("qcow2", ImageFormat::Qcow2, &Qcow2::of(&content).to_file())?;
    for image in [&raw, &qcow2] {
        for size in [SIZE - stage.unit(), SIZE - 512, SIZE / 2, 1].map(|size| stage.whole(size)) {
            let what = format!("a {} image of {SIZE} bytes for a volume of {size}", image.format);
            refused(stage, &what, image, &stage.spec(size as u64)?, &[Kind::Invalid]).await?;
        }
        let spec = stage.spec(SIZE as u64)?;
        let answer = stage.driver().await.copy_image_to_volume(&stage.ctx(), &spec, image).await;
        changed(&format!("a {} image of exactly the volume's size", image.format), answer)?;
        stage.holds("a volume of exactly the image's size", &spec.volume, &content).await?;
        stage.delete(&spec.volume).await?;
    }
    stage.has_just("after images were refused", &[], &[]).await
}

async fn cut_off(stage: &Stage) -> Held {
    let folder = Folder::new()?;
    // Whole clusters, so that each byte of the file counts.
    let content = pattern(stage.seed, 4 << 20);
    let whole = Qcow2::of(&content).to_file();
    let cluster = 1 << 16;
    let ends =
        [whole.len() - 512, whole.len() - cluster - 1, whole.len() / 2, 5 * cluster, 3 * cluster, 1000, 60, 3, 0];
    let spec = stage.spec(content.len() as u64)?;
    for end in ends {
        let image = folder.image("cut", ImageFormat::Qcow2, &whole[..end])?;
        let what = format!("the first {end} bytes of a qcow2 image of {}", whole.len());
        refused(stage, &what, &image, &spec, &[Kind::Invalid]).await?;
    }
    let empty = folder.image("cut", ImageFormat::Raw, b"")?;
    refused(stage, "an empty file as raw image", &empty, &spec, &[Kind::Invalid]).await?;
    let absent = ImageFile { path: folder.path().join("absent"), format: ImageFormat::Raw };
    refused(stage, "an image that is not there", &absent, &spec, &[Kind::Invalid]).await?;
    // None of it is in the way of the whole.
    let image = folder.image("cut", ImageFormat::Qcow2, &whole)?;
    let answer = stage.driver().await.copy_image_to_volume(&stage.ctx(), &spec, &image).await;
    changed("a whole image after ones that were cut off", answer)?;
    stage.holds("its volume", &spec.volume, &content).await?;
    stage.delete(&spec.volume).await?;
    cut_while_read(stage, &folder).await
}

/// Somebody truncates the file when its first bytes have been copied. Whoever was quicker, the volume is whole or there
/// is none.
async fn cut_while_read(stage: &Stage, folder: &Folder) -> Held {
    let content = pattern(stage.seed, LONG);
    let spec = stage.spec(LONG as u64)?;
    let image = folder.image("long", ImageFormat::Raw, &content)?;
    let file = OpenOptions::new().write(true).open(&image.path).map_err(Stop::failed)?;
    let (driver, ctx) = (stage.driver().await, stage.ctx());
    let mut progress = ctx.watch_progress();
    let mut call = driver.copy_image_to_volume(&ctx, &spec, &image);
    let begun = async { progress.wait_for(|progress| progress.done > 0).await.is_ok() };
    let answer = tokio::select! {
        answer = &mut call => answer,
        _begun = begun => {
            file.set_len(LONG as u64 / 2).map_err(Stop::failed)?;
            call.await
        }
    };
    match answer {
        Ok(_) => {
            stage.holds("a volume of an image that was cut off while it was read", &spec.volume, &content).await?;
        }
        Err(_) => {
            stage.is_absent("after its image was cut off while it was read", &spec.volume).await?;
            stage.is_tidy().await?;
            let image = folder.image("long", ImageFormat::Raw, &content)?;
            let answer = stage.driver().await.copy_image_to_volume(&stage.ctx(), &spec, &image).await;
            changed("the same image, whole again", answer)?;
            stage.holds("a volume of an image that is whole again", &spec.volume, &content).await?;
        }
    }
    let seen = stage.inspect(&spec.volume).await?;
    ensure(seen.is_some(), || "a volume of an image is gone".to_owned())
}
