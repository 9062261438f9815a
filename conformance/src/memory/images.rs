//! Images in and out, through a file without a name: what moves images knows files only.

use std::{
    fs::File,
    io::{self, ErrorKind},
    os::unix::fs::FileExt,
};

use ashlar_common::{
    driver::{ImageFile, Outcome, Result, Volume, VolumeRef, VolumeSpec},
    image,
};

use super::{
    call::{Call, Staging},
    disk::{PAGE_BYTES, lock},
    error::Error,
    faults::Fault,
    state::{Origin, copy},
};

/// Bytes that one step puts on the backend.
const STEP_BYTES: u64 = 64 * PAGE_BYTES;

impl Call<'_> {
    pub(super) async fn copy_image_to_volume(&self, spec: &VolumeSpec, image: &ImageFile) -> Result<Outcome<Volume>> {
        if let Some(volume) = self.found(spec, &Origin::Image).await? {
            return Ok(Outcome::Unchanged(volume));
        }
        let staging = self.reserve(spec).await?;
        if self.broken(Fault::ImageVolumeIsThereTooEarly) {
            self.place_instead(spec, &Origin::Image, &staging, staging.disk.clone()).await?;
        }
        let file = scratch(spec.size.bytes()).map_err(scratch_error)?;
        image::copy_into(self.ctx, image, &file, spec.size).await?;
        // Behind the image's end there is nothing but zeros.
        let held = image::inspect(&File::open(&image.path).map_err(scratch_error)?, image.format)?;
        self.fill(&file, held.virtual_size.min(spec.size).bytes(), &staging).await?;
        Ok(self.place(spec, &Origin::Image, &staging).await?)
    }

    /// Puts a file's bytes on the backend, but not pages of zeros.
    async fn fill(&self, file: &File, size: u64, staging: &Staging) -> Result<()> {
        let mut offset = 0;
        while offset < size {
            let bytes = STEP_BYTES.min(size - offset);
            let file = file.try_clone().map_err(scratch_error)?;
            let chunk = self.ctx.blocking(move |_| Ok(read(&file, offset, bytes).map_err(scratch_error)?)).await?;
            self.step("fill", |_| {
                let mut disk = lock(&staging.disk);
                for (page, at) in pages(&chunk, offset) {
                    disk.write_at(page, at)?;
                }
                Ok(())
            })
            .await?;
            offset += bytes;
        }
        Ok(())
    }

    pub(super) async fn copy_volume_to_image(&self, volume: &VolumeRef, image: &ImageFile) -> Result<Outcome<()>> {
        let staging = self.step("freeze", |state| {
            let source = &state.volume(volume)?.disk;
            let size = lock(source).size();
            let twin = copy(source, &state.pool(&volume.pool)?.home, size)?;
            Ok(self.stage(state, format!("the bytes of volume {} for an image", volume.id), twin))
        });
        let staging = staging.await?;
        let size = lock(&staging.disk).size();
        let twin = staging.disk.clone();
        let spooled = self.ctx.blocking(move |ctx| {
            let file = scratch(size).map_err(scratch_error)?;
            lock(&twin).for_each_page(|page, offset| {
                ctx.check()?;
                file.write_all_at(page, offset).map_err(scratch_error)
            })?;
            Ok(file)
        });
        let file = spooled.await?;
        image::copy_out_of(self.ctx, &file, super::state::bytes(size), image, None).await?;
        Ok(Outcome::Changed(()))
    }
}

/// An empty file of that length.
fn scratch(length: u64) -> io::Result<File> {
    let file = tempfile::tempfile()?;
    file.set_len(length)?;
    Ok(file)
}

fn read(file: &File, offset: u64, bytes: u64) -> io::Result<Vec<u8>> {
    let mut chunk = vec![0; usize::try_from(bytes).map_err(io::Error::other)?];
    file.read_exact_at(&mut chunk, offset)?;
    Ok(chunk)
}

/// The parts of a chunk that are not all zero, a page each.
fn pages(chunk: &[u8], offset: u64) -> impl Iterator<Item = (&[u8], u64)> {
    let page = usize::try_from(PAGE_BYTES).unwrap_or(usize::MAX);
    let places = (offset..).step_by(page);
    chunk.chunks(page).zip(places).filter(|(page, _)| page.iter().any(|byte| *byte != 0))
}

/// The scratch file is no part of the backend: nothing has changed there.
fn scratch_error(error: io::Error) -> Error {
    match error.kind() {
        // No volume can be so large, whatever the pool: the file system says so before the backend is asked.
        ErrorKind::FileTooLarge => Error::Invalid(format!("no scratch file can be so large: {error}")),
        _ => Error::Scratch(error),
    }
}
