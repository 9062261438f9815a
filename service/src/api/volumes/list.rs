//! `GET /volumes` and `GET /volumes/detail`.

use std::collections::HashMap;

use ashlar_common::{
    ids::VolumeId,
    store::{
        Tx,
        listing::Column,
        records::{AttachmentRecord, VolumeRecord},
    },
};
use axum::{extract::State, response::Response};

use super::view::{self, Shape};
use crate::api::{
    call::Call,
    error::ApiError,
    listing::{By, Dialect, Page},
    state::ApiState,
};

pub(crate) const DIALECT: Dialect = Dialect {
    filters: &[
        ("id", By::Text(Column::Id)),
        ("name", By::Text(Column::Name)),
        ("display_name", By::Text(Column::Name)),
        ("description", By::Text(Column::Description)),
        ("status", By::Text(Column::Status)),
        ("size", By::Size(Column::SizeBytes)),
        ("bootable", By::Flag(Column::Bootable)),
        ("multiattach", By::Flag(Column::MultiAttach)),
        ("availability_zone", By::Text(Column::AvailabilityZone)),
        ("volume_type_id", By::Text(Column::TypeId)),
        ("user_id", By::Text(Column::UserId)),
        ("source_volid", By::Text(Column::SourceVolumeId)),
        ("snapshot_id", By::Text(Column::SourceSnapshotId)),
        ("host", By::Host),
        ("metadata", By::Metadata),
        ("created_at", By::Time(Column::CreatedAt)),
        ("updated_at", By::Time(Column::UpdatedAt)),
        ("consumes_quota", By::AlwaysTrue),
    ],
    sorts: &[
        ("id", Column::Id),
        ("name", Column::Name),
        ("display_name", Column::Name),
        ("status", Column::Status),
        ("size", Column::SizeBytes),
        ("availability_zone", Column::AvailabilityZone),
        ("bootable", Column::Bootable),
        ("host", Column::Backend),
        ("volume_type_id", Column::TypeId),
        ("project_id", Column::ProjectId),
        ("user_id", Column::UserId),
        ("created_at", Column::CreatedAt),
        ("updated_at", Column::UpdatedAt),
    ],
};

pub(crate) async fn brief(State(api): State<ApiState>, mut call: Call) -> Result<Response, ApiError> {
    let page = Page::read(&mut call, &DIALECT, api.settings().page_limit)?;
    let mut tx = api.store().read().await?;
    let (volumes, count) = fetch(&mut tx, &page).await?;
    let entries = volumes.iter().map(|volume| view::summary(volume, &call.links)).collect();
    Ok(page.answer(&call, "volumes", entries, last(&volumes), count))
}

pub(crate) async fn detail(State(api): State<ApiState>, mut call: Call) -> Result<Response, ApiError> {
    let page = Page::read(&mut call, &DIALECT, api.settings().page_limit)?;
    let mut tx = api.store().read().await?;
    let (volumes, count) = fetch(&mut tx, &page).await?;
    let ids: Vec<VolumeId> = volumes.iter().map(|volume| volume.id).collect();
    let attachments = tx.attachments_of(&ids).await?;
    let types = tx.volume_types().await?;
    let shape = Shape::new(&call, api.settings(), &types);
    let mut own: HashMap<VolumeId, Vec<&AttachmentRecord>> = HashMap::new();
    for attachment in &attachments {
        own.entry(attachment.volume_id).or_default().push(attachment);
    }
    let entries = volumes
        .iter()
        .map(|volume| view::detail(volume, own.remove(&volume.id).unwrap_or_default().into_iter(), &shape))
        .collect();
    Ok(page.answer(&call, "volumes", entries, last(&volumes), count))
}

async fn fetch(tx: &mut Tx, page: &Page) -> Result<(Vec<VolumeRecord>, Option<u64>), ApiError> {
    if let Some(marker) = page.marker::<VolumeId>("volume")?
        && tx.volume(marker).await?.is_none()
    {
        return Err(ApiError::not_found("volume", marker));
    }
    let volumes = tx.list_volumes(&page.listing).await?;
    let count = if page.with_count { Some(tx.count_volumes(&page.listing).await?) } else { None };
    Ok((volumes, count))
}

fn last(volumes: &[VolumeRecord]) -> Option<String> {
    volumes.last().map(|volume| volume.id.to_string())
}
