//! Making volumes: what every source has in common, and the empty one.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    hints,
    intake::{Intake, Requester},
    refusal::{Refusal, Result},
    user_message,
};
use crate::{
    driver::{VolumeRef, VolumeSpec},
    ids::{BackendName, ImageId, OpId, PoolName, SnapshotId, TypeId, VolumeId},
    scheduler::{Affinity, Hints, Request, SnapshotFacts, VolumeFacts, place},
    state::{VolumeState, volume::Rest},
    store::{
        Tx,
        records::{Metadata, Moment, Place, Subject, TypeRecord, VolumeRecord, Work},
    },
    units::ByteCount,
};

/// A volume to be made.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names are those of the Block Storage API")]
pub struct NewVolume {
    pub name: Option<String>,
    pub description: Option<String>,
    /// That of the source where not given.
    pub size: Option<ByteCount>,
    pub source: Source,
    /// The service's default type where not given.
    pub type_id: Option<TypeId>,
    /// The source's, or the service's, where not given.
    pub availability_zone: Option<String>,
    pub metadata: Metadata,
    pub multi_attach: bool,
    /// Where it should be.
    pub hints: Hints,
}

/// What a new volume holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Zeroes.
    Empty,
    /// What a snapshot holds.
    Snapshot(SnapshotId),
    /// What another volume holds.
    Volume(VolumeId),
    /// An image.
    Image(ImageId),
}

/// What a source means for the volume made from it.
pub(super) struct Origin {
    /// The smallest size that holds it.
    pub(super) least: ByteCount,
    /// The pool it must be made on.
    pub(super) only: Option<(BackendName, PoolName)>,
    /// The zone it comes from.
    pub(super) zone: Option<String>,
    /// The type of the volume it comes from.
    pub(super) type_id: Option<TypeId>,
    /// Whether it can be booted from.
    pub(super) bootable: bool,
    /// The operation that makes it.
    pub(super) work: WorkOf,
}

/// Makes the operation once the volume's spec is known.
pub(super) type WorkOf = Box<dyn FnOnce(VolumeSpec) -> Work + Send>;

impl Intake {
    /// Takes in a volume: its record is made, on the pool that fits best, and its host told.
    ///
    /// When no pool fits, the volume is recorded in `error`, with a message that says why for each pool: clients of
    /// this API look for it there.
    ///
    /// # Errors
    /// [`Refusal`]; nothing was recorded.
    pub async fn create_volume(&self, who: &Requester, new: NewVolume) -> Result<VolumeRecord> {
        let image = match new.source {
            Source::Image(id) => Some(self.image(id).await?),
            Source::Empty | Source::Snapshot(_) | Source::Volume(_) => None,
        };
        let now = self.store.now();
        let mut tx = self.store.write().await?;
        let origin = match (new.source, image) {
            (Source::Snapshot(id), _) => self.origin_snapshot(&mut tx, who, id).await?,
            (Source::Volume(id), _) => self.origin_volume(&mut tx, who, id).await?,
            (_, Some(image)) => image,
            (Source::Empty | Source::Image(_), None) => empty(),
        };
        let kind = match new.type_id.or(origin.type_id) {
            Some(id) => Some(tx.volume_type(id).await?.ok_or_else(|| Refusal::not_found("volume type", id))?),
            None => None,
        };
        let id = self.store.id();
        let op = self.store.id();
        let volume = draft(id, who, &new, &origin, kind.as_ref(), self.default_zone(), now)?;
        let affinity = hints::looked_up(&mut tx, Some(&who.project_id), new.hints, &self.scheduling.policy).await?;
        let request = request(who, &volume, &origin, kind, affinity);
        let volume = self.place_and_submit(tx, who, volume, request, origin.work, op, now).await?;
        tracing::info!(volume = %volume.id, %op, status = %volume.status, place = ?volume.place, "volume taken in");
        Ok(volume)
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one transaction, named")]
    async fn place_and_submit(
        &self,
        mut tx: Tx,
        who: &Requester,
        mut volume: VolumeRecord,
        request: Request,
        work: WorkOf,
        op: OpId,
        now: Timestamp,
    ) -> Result<VolumeRecord> {
        match place(&self.views(&mut tx).await?, &request, &self.scheduling.policy) {
            Ok(placement) => {
                let spec = VolumeSpec {
                    volume: VolumeRef { id: volume.id, pool: placement.pool.clone() },
                    size: volume.size,
                    extra_specs: request.extra_specs,
                };
                let work = work(spec);
                volume.state = match work {
                    Work::ImageIn { .. } => VolumeState::Downloading(op),
                    _ => VolumeState::Creating(op),
                };
                volume.status = volume.state.status();
                volume.place = Some(Place { backend: placement.backend.clone(), pool: placement.pool });
                tx.insert_volume(&volume).await?;
                self.submit(tx, op, placement.backend, who, work, now).await?;
            }
            Err(no_fit) => {
                volume.state = VolumeState::Rest(Rest::Error);
                volume.status = volume.state.status();
                tx.insert_volume(&volume).await?;
                let subject = Subject::Volume(volume.id);
                let text = format!("schedule allocate volume: {no_fit}");
                user_message::tell(
                    &mut tx,
                    &who.project_id,
                    &who.request_id,
                    subject,
                    user_message::NO_POOL,
                    text,
                    now,
                )
                .await?;
                self.record(tx).await?;
            }
        }
        Ok(volume)
    }
}

fn empty() -> Origin {
    Origin {
        least: ByteCount::ZERO,
        only: None,
        zone: None,
        type_id: None,
        bootable: false,
        work: Box::new(|spec| Work::CreateVolume { spec }),
    }
}

/// Whether a type's volumes have several attachments.
pub(super) fn asks_multi_attach(extra_specs: &BTreeMap<String, String>) -> bool {
    extra_specs.get("multiattach").is_some_and(|spec| spec == "<is> True")
}

/// What the scheduler is asked.
fn request(
    who: &Requester,
    volume: &VolumeRecord,
    origin: &Origin,
    kind: Option<TypeRecord>,
    affinity: Affinity,
) -> Request {
    let text = |id: Option<VolumeId>| id.map(|id| id.to_string());
    let snapshot = volume.source_snapshot_id.map(|id| SnapshotFacts { id: id.to_string(), size: origin.least });
    Request {
        id: who.request_id.clone(),
        size: volume.size,
        availability_zone: Some(volume.availability_zone.clone()),
        multi_attach: volume.multi_attach,
        only: origin.only.clone(),
        affinity,
        volume: VolumeFacts {
            id: text(Some(volume.id)),
            name: volume.name.clone(),
            description: volume.description.clone(),
            project_id: Some(volume.project_id.clone()),
            user_id: Some(volume.user_id.clone()),
            type_id: kind.as_ref().map(|kind| kind.id.to_string()),
            type_name: kind.as_ref().map(|kind| kind.name.clone()),
            source_volume_id: text(volume.source_volume_id),
            image_id: volume.image_id.map(|id| id.to_string()),
            bootable: volume.bootable,
            snapshot,
        },
        extra_specs: kind.map(|kind| kind.extra_specs).unwrap_or_default(),
        ..Request::default()
    }
}

/// The record as it will be, not placed yet.
fn draft(
    id: VolumeId,
    who: &Requester,
    new: &NewVolume,
    origin: &Origin,
    kind: Option<&TypeRecord>,
    default_zone: &str,
    now: Timestamp,
) -> Result<VolumeRecord> {
    let size = new.size.unwrap_or(origin.least);
    if size == ByteCount::ZERO {
        return Err(Refusal::Invalid("size is missing: give a size of at least 1 GiB".to_owned()));
    }
    if size < origin.least {
        return Err(Refusal::Invalid(format!("size {size} is smaller than what it is made from, {}", origin.least)));
    }
    let wanted_by_type = kind.is_some_and(|kind| asks_multi_attach(&kind.extra_specs));
    let (source_snapshot_id, source_volume_id, image_id) = match new.source {
        Source::Empty => (None, None, None),
        Source::Snapshot(id) => (Some(id), None, None),
        Source::Volume(id) => (None, Some(id), None),
        Source::Image(id) => (None, None, Some(id)),
    };
    let zone = new.availability_zone.clone().or_else(|| origin.zone.clone());
    let state = VolumeState::Rest(Rest::Error);
    Ok(VolumeRecord {
        id,
        project_id: who.project_id.clone(),
        user_id: who.user_id.clone(),
        name: new.name.clone(),
        description: new.description.clone(),
        size,
        provisioned: size,
        status: state.status(),
        state,
        place: None,
        availability_zone: zone.unwrap_or_else(|| default_zone.to_owned()),
        type_id: kind.map(|kind| kind.id),
        multi_attach: new.multi_attach || wanted_by_type,
        bootable: origin.bootable,
        source_volume_id,
        source_snapshot_id,
        image_id,
        metadata: new.metadata.clone(),
        created_at: now,
        updated_at: None,
        promised: size,
        promised_moment: Moment::Open,
    })
}
