//! One call of a sequence, made to a driver.

use std::{collections::BTreeMap, path::PathBuf};

use ashlar_common::{
    driver::{
        AttachmentSpec, ConnectionInfo, Connector, Detach, Driver, Error, ImageFile, Kind, OpCtx, Outcome, Snapshot,
        Volume, VolumeSpec,
    },
    image::ImageFormat,
    units::ByteCount,
};

use super::names::Names;
use crate::{
    model::{
        call::{Answer, Call, VolumeSlot},
        content::Content,
    },
    outcome::{Held, Stop},
};

/// What the calls of a sequence need besides their arguments.
#[derive(Clone, Debug)]
pub(super) struct Asker {
    pub(super) names: Names,
    pub(super) connector: Connector,
    /// Where images are.
    pub(super) scratch: PathBuf,
}

/// What came of a call.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) answer: Answer,
    /// The error's text, for people.
    pub(super) why: String,
    /// Of an attach that went well.
    pub(super) connection: Option<ConnectionInfo>,
}

impl Asker {
    /// Makes the call. What it answers about what it made is compared with what was asked for.
    pub(super) async fn ask(&self, driver: &dyn Driver, ctx: &OpCtx, nth: u32, call: Call) -> Held<Told> {
        match call {
            Call::Create { volume, size } => {
                let spec = self.spec(volume, size)?;
                self.sized(&call, size, driver.create(ctx, &spec).await)
            }
            Call::FromSnapshot { volume, size, of } => {
                let (spec, source) = (self.spec(volume, size)?, self.names.snapshot(of)?);
                self.sized(&call, size, driver.create_from_snapshot(ctx, &spec, &source).await)
            }
            Call::Clone { volume, size, from } => {
                let (spec, source) = (self.spec(volume, size)?, self.names.volume(from)?);
                self.sized(&call, size, driver.clone_volume(ctx, &spec, &source).await)
            }
            Call::ImageIn { volume, size, length, stamp } => {
                let spec = self.spec(volume, size)?;
                let image = self.image(nth, "in");
                let bytes = Content::image(length, stamp).bytes(length);
                std::fs::write(&image.path, bytes).map_err(Stop::failed)?;
                self.sized(&call, size, driver.copy_image_to_volume(ctx, &spec, &image).await)
            }
            Call::Extend { volume, size, online } => {
                let (volume, bytes) = (self.names.volume(volume)?, ByteCount::new(size).map_err(Stop::failed)?);
                let answer = match driver.online_extend().filter(|_| online) {
                    Some(extend) => extend.extend_attached(ctx, &volume, bytes).await,
                    None => driver.extend(ctx, &volume, bytes).await,
                };
                self.sized(&call, size, answer)
            }
            Call::Snapshot { of } => {
                let snapshot = self.names.snapshot(of)?;
                let answer = driver.create_snapshot(ctx, &snapshot).await;
                told(answer, |made: &Snapshot| (made.snapshot != snapshot).then(|| format!("it tells of {made:?}")))
            }
            Call::Revert { of } => {
                let snapshot = self.names.snapshot(of)?;
                let Some(revert) = driver.revert() else { return Err(Stop::failed("the driver can revert no more")) };
                told(revert.revert(ctx, &snapshot).await, |made: &Volume| {
                    (made.volume != snapshot.volume).then(|| format!("it tells of {made:?}"))
                })
            }
            Call::Attach { volume, attachment, mode } => {
                let id = self.names.attachment(volume, attachment)?;
                let spec = AttachmentSpec { id, connector: self.connector.clone(), mode };
                let answer = driver.attach(ctx, &self.names.volume(volume)?, &spec).await;
                let connection = match &answer {
                    Ok(Outcome::Changed(made) | Outcome::Unchanged(made)) => Some(made.clone()),
                    Err(_) => None,
                };
                Ok(Told { connection, ..told(answer, |_| None)? })
            }
            _ => self.ask_for_nothing(driver, ctx, nth, call).await,
        }
    }

    /// The calls that tell nothing but that they did it.
    async fn ask_for_nothing(&self, driver: &dyn Driver, ctx: &OpCtx, nth: u32, call: Call) -> Held<Told> {
        let volume = self.names.volume(call.volume())?;
        let answer = match call {
            Call::Delete { .. } => driver.delete(ctx, &volume).await,
            Call::DeleteSnapshot { of } => driver.delete_snapshot(ctx, &self.names.snapshot(of)?).await,
            Call::Detach { volume: slot, attachment } => {
                let one = Detach::One(self.names.attachment(slot, attachment)?);
                driver.detach(ctx, &volume, one).await
            }
            Call::DetachAll { .. } => driver.detach(ctx, &volume, Detach::All).await,
            Call::ImageOut { .. } => driver.copy_volume_to_image(ctx, &volume, &self.image(nth, "out")).await,
            other => return Err(Stop::failed(format!("the model does not know how to {other}"))),
        };
        told(answer, |()| None)
    }

    /// The image file of a call.
    pub(super) fn image(&self, nth: u32, way: &str) -> ImageFile {
        ImageFile { path: self.scratch.join(format!("{way}-{nth}.raw")), format: ImageFormat::Raw }
    }

    pub(super) fn spec(&self, volume: VolumeSlot, size: u64) -> Held<VolumeSpec> {
        let size = ByteCount::new(size).map_err(Stop::failed)?;
        Ok(VolumeSpec { volume: self.names.volume(volume)?, size, extra_specs: BTreeMap::new() })
    }

    /// The answer of a call that makes a volume have a size.
    fn sized(&self, call: &Call, size: u64, answer: Result<Outcome<Volume>, Error>) -> Held<Told> {
        let volume = self.names.volume(call.volume())?;
        told(answer, |made| {
            let right = made.size.bytes() == size && made.volume == volume;
            (!right).then(|| format!("it tells of volume {} with {} bytes", made.volume.id, made.size.bytes()))
        })
    }
}

/// An answer as the model has it, unless what it tells is wrong.
fn told<T>(answer: Result<Outcome<T>, Error>, wrong: impl FnOnce(&T) -> Option<String>) -> Held<Told> {
    let (answer, made) = match answer {
        Ok(Outcome::Changed(made)) => (Answer::Changed, made),
        Ok(Outcome::Unchanged(made)) => (Answer::Unchanged, made),
        Err(error) => {
            let why = if error.kind() == Kind::Fatal { format!(" ({error})") } else { String::new() };
            return Ok(Told { answer: Answer::Refused(error.kind()), why, connection: None });
        }
    };
    match wrong(&made) {
        Some(wrong) => Err(Stop::failed(format!("the call answers {answer}, and {wrong}"))),
        None => Ok(Told { answer, why: String::new(), connection: None }),
    }
}
