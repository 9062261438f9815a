//! Broken at images in and out.

use std::{fs, io, path::Path};

use ashlar_common::{
    driver::{Driver, Error, ImageFile, Kind, OpCtx, Outcome, Result, Volume, VolumeRef, VolumeSpec},
    exec::{Limits, Lookup, Program},
    image::ImageFormat,
    units::{ByteCount, GIB},
};
use async_trait::async_trait;

use super::{mutant::Mutant, twist::Twist, twisted::twisted};
use crate::memory::Fault;

/// Mutants of behaviours 26 to 33.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant::around(26, "image_out_is_always_raw", twisted::<WritesRaw>),
    Mutant::around(26, "image_in_is_taken_as_raw", twisted::<ReadsRaw>),
    Mutant::around(27, "image_is_what_it_looks_like", twisted::<Probes>),
    Mutant::around(28, "image_follows_its_backing_file", twisted::<Follows<BACKING>>),
    Mutant::around(29, "image_follows_its_data_file", twisted::<Follows<DATA>>),
    Mutant::around(30, "image_follows_vmdk_extents", twisted::<Follows<EXTENTS>>),
    Mutant::around(31, "bomb_is_cut_to_the_volume", twisted::<CutsImages>),
    Mutant::around(32, "volume_smaller_than_the_image_is_filled", twisted::<CutsImages>),
    Mutant::below(33, "volume_is_there_before_its_image", Fault::ImageVolumeIsThereTooEarly),
    Mutant::below(33, "refused_image_stays_half_made", Fault::FailureStaysHalfMade),
    Mutant::around(33, "cut_off_image_is_made_up", twisted::<MakesUpTheRest>),
];

/// Whether the call was refused as `Invalid`, with these words.
fn refused_for<T>(answer: &Result<T>, words: &[&str]) -> bool {
    let Err(error) = answer else { return false };
    let text = error.chain().to_lowercase();
    error.kind() == Kind::Invalid && words.iter().any(|word| text.contains(word))
}

fn failed(error: io::Error) -> Error {
    Error::new(Kind::Fatal, error)
}

/// What careless drivers do: `qemu-img` opens what it finds, and what that names.
async fn careless(inner: &dyn Driver, ctx: &OpCtx, spec: &VolumeSpec, image: &ImageFile) -> Result<Outcome<Volume>> {
    let scratch = tempfile::tempdir().map_err(failed)?;
    let raw = scratch.path().join("raw");
    convert(ctx, &image.path, &raw).await?;
    inner.copy_image_to_volume(ctx, spec, &ImageFile { path: raw, format: ImageFormat::Raw }).await
}

async fn convert(ctx: &OpCtx, from: &Path, to: &Path) -> Result<()> {
    let qemu_img = Program::find_with("qemu-img", Lookup { package: Some("qemu-utils"), path: None })?;
    let limits = Limits { address_space: ByteCount::new(4 * GIB).unwrap_or_default(), cpu_seconds: 60 };
    let run = qemu_img.run(["convert", "-O", "raw"]).arg(from).arg(to).limits(limits).dies_with_host();
    run.output(ctx).await?;
    Ok(())
}

#[derive(Default)]
struct WritesRaw;

#[async_trait]
impl Twist for WritesRaw {
    async fn copy_volume_to_image(
        &self,
        inner: &dyn Driver,
        ctx: &OpCtx,
        volume: &VolumeRef,
        image: &ImageFile,
    ) -> Result<Outcome<()>> {
        let image = ImageFile { format: ImageFormat::Raw, ..image.clone() };
        inner.copy_volume_to_image(ctx, volume, &image).await
    }
}

/// Copies the bytes of the file, whatever they mean.
#[derive(Default)]
struct ReadsRaw;

#[async_trait]
impl Twist for ReadsRaw {
    async fn copy_image_to_volume(
        &self,
        inner: &dyn Driver,
        ctx: &OpCtx,
        spec: &VolumeSpec,
        image: &ImageFile,
    ) -> Result<Outcome<Volume>> {
        if image.format == ImageFormat::Raw {
            return inner.copy_image_to_volume(ctx, spec, image).await;
        }
        let scratch = tempfile::tempdir().map_err(failed)?;
        let raw = scratch.path().join("raw");
        // A sector in front, so that nobody sees what it is.
        let bytes = fs::read(&image.path).map_err(failed)?;
        fs::write(&raw, [vec![0; 512], bytes].concat()).map_err(failed)?;
        inner.copy_image_to_volume(ctx, spec, &ImageFile { path: raw, format: ImageFormat::Raw }).await
    }
}

/// Looks what the file is, instead of holding it against what it is said to be.
#[derive(Default)]
struct Probes;

#[async_trait]
impl Twist for Probes {
    async fn copy_image_to_volume(
        &self,
        inner: &dyn Driver,
        ctx: &OpCtx,
        spec: &VolumeSpec,
        image: &ImageFile,
    ) -> Result<Outcome<Volume>> {
        let made = inner.copy_image_to_volume(ctx, spec, image).await;
        if !refused_for(&made, &["is said to be"]) {
            return made;
        }
        let format = match image.format {
            ImageFormat::Raw => ImageFormat::Qcow2,
            ImageFormat::Qcow2 => ImageFormat::Raw,
        };
        inner.copy_image_to_volume(ctx, spec, &ImageFile { format, ..image.clone() }).await
    }
}

/// What an image may name that is outside of it, by the words with which an honest driver refuses it.
const NAMED: [&[&str]; 3] = [&["backing"], &["data file", "data-file"], &["vmdk"]];
const BACKING: usize = 0;
const DATA: usize = 1;
const EXTENTS: usize = 2;

/// Reads what the image names, of one kind.
#[derive(Default)]
struct Follows<const KIND: usize>;

#[async_trait]
impl<const KIND: usize> Twist for Follows<KIND> {
    async fn copy_image_to_volume(
        &self,
        inner: &dyn Driver,
        ctx: &OpCtx,
        spec: &VolumeSpec,
        image: &ImageFile,
    ) -> Result<Outcome<Volume>> {
        let made = inner.copy_image_to_volume(ctx, spec, image).await;
        if refused_for(&made, NAMED[KIND]) { careless(inner, ctx, spec, image).await } else { made }
    }
}

/// Makes the volume as it is asked for, whatever the image holds.
#[derive(Default)]
struct CutsImages;

#[async_trait]
impl Twist for CutsImages {
    async fn copy_image_to_volume(
        &self,
        inner: &dyn Driver,
        ctx: &OpCtx,
        spec: &VolumeSpec,
        image: &ImageFile,
    ) -> Result<Outcome<Volume>> {
        let made = inner.copy_image_to_volume(ctx, spec, image).await;
        if refused_for(&made, &["more than the volume's"]) { inner.create(ctx, spec).await } else { made }
    }
}

/// Takes what there is of an image, and zeros for what is not.
#[derive(Default)]
struct MakesUpTheRest;

#[async_trait]
impl Twist for MakesUpTheRest {
    async fn copy_image_to_volume(
        &self,
        inner: &dyn Driver,
        ctx: &OpCtx,
        spec: &VolumeSpec,
        image: &ImageFile,
    ) -> Result<Outcome<Volume>> {
        match inner.copy_image_to_volume(ctx, spec, image).await {
            Err(error) if error.kind() == Kind::Invalid => inner.create(ctx, spec).await,
            made => made,
        }
    }
}
