//! `POST /volumes`.

use ashlar_common::{
    ids::{SnapshotId, VolumeId},
    manager::{NewVolume, Source},
    store::{Tx, records::TypeRecord},
};
use axum::{extract::State, http::StatusCode, response::Response};

use super::{hints, show};
use crate::api::{body::Body, call::Call, error::ApiError, object::Object, state::ApiState, types};

/// What a client may ask for, types still by name or id.
#[derive(Debug)]
struct Asked {
    new: NewVolume,
    type_name: Option<String>,
}

pub(crate) async fn create(
    State(api): State<ApiState>,
    call: Call,
    body: Body,
) -> Result<(StatusCode, Response), ApiError> {
    let Asked { mut new, type_name } = read(body)?;
    let mut tx = api.store().look().await?;
    let asked = find_type(&mut tx, type_name, new.source, &api.settings().default_type).await?;
    // No connection is kept while the intake waits for its turn to write.
    drop(tx);
    new.type_id = asked.as_ref().map(|kind| kind.id);
    let volume = api.intake().create_volume(&call.who, new).await?;
    // Only a source brings another type than the one that was asked for.
    let kind = match asked {
        Some(asked) if volume.type_id == Some(asked.id) => Some(asked),
        _ => show::kind(&mut api.store().look().await?, &volume).await?,
    };
    // Nobody can have attached it yet.
    Ok((StatusCode::ACCEPTED, show::made(&api, &call, &volume, &[], kind.as_ref())))
}

fn read(mut body: Body) -> Result<Asked, ApiError> {
    let hints = hints::take(&mut body)?;
    let mut volume = body.object("volume")?;
    volume.ignore(&["user_id", "project_id", "status", "attach_status", "migration_status"]);
    volume.not_served(&["consistencygroup_id", "group_id", "backup_id", "source_replica"])?;
    let new = NewVolume {
        name: volume.name()?,
        description: volume.description()?,
        size: volume.size("size")?,
        source: source(&mut volume)?,
        type_id: None,
        availability_zone: volume.line("availability_zone")?.filter(|zone| !zone.is_empty()),
        metadata: volume.metadata("metadata")?.unwrap_or_default(),
        multi_attach: volume.flag("multiattach")?.unwrap_or(false),
        hints,
    };
    let type_name = volume.line("volume_type")?.filter(|name| !name.is_empty());
    if new.size.is_none() && matches!(new.source, Source::Empty) {
        return Err(volume.wrong("size", "is required unless the volume is made from a snapshot or volume"));
    }
    volume.finish()?;
    Ok(Asked { new, type_name })
}

fn source(volume: &mut Object) -> Result<Source, ApiError> {
    let snapshot = volume.id::<SnapshotId>("snapshot_id")?.map(Source::Snapshot);
    let other = volume.id::<VolumeId>("source_volid")?.map(Source::Volume);
    let older_image = volume.id("image_id")?;
    let image = volume.id("imageRef")?.or(older_image).map(Source::Image);
    let mut sources = [snapshot, other, image].into_iter().flatten();
    match (sources.next(), sources.next()) {
        (source, None) => Ok(source.unwrap_or(Source::Empty)),
        _ => Err(ApiError::bad_request("a volume has one source: give one of snapshot_id, source_volid and imageRef")),
    }
}

/// The type asked for, or the default one if there is such. What is made from a volume or snapshot has that one's type,
/// which the intake knows.
async fn find_type(
    tx: &mut Tx,
    asked: Option<String>,
    source: Source,
    default: &str,
) -> Result<Option<TypeRecord>, ApiError> {
    match (asked, source) {
        (Some(asked), _) => Ok(Some(types::find(tx, &asked).await?)),
        (None, Source::Empty | Source::Image(_)) => Ok(tx.volume_type_named(default).await?),
        (None, Source::Volume(_) | Source::Snapshot(_)) => Ok(None),
    }
}
