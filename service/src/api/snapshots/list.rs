//! `GET /snapshots` and `GET /snapshots/detail`.

use ashlar_common::{
    ids::SnapshotId,
    store::{listing::Column, records::SnapshotRecord},
};
use axum::{extract::State, response::Response};
use serde_json::Value;

use super::view;
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
        ("volume_id", By::Text(Column::VolumeId)),
        ("user_id", By::Text(Column::UserId)),
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
        ("volume_id", Column::VolumeId),
        ("size", Column::SizeBytes),
        ("volume_size", Column::SizeBytes),
        ("project_id", Column::ProjectId),
        ("user_id", Column::UserId),
        ("created_at", Column::CreatedAt),
        ("updated_at", Column::UpdatedAt),
    ],
};

pub(crate) async fn brief(State(api): State<ApiState>, call: Call) -> Result<Response, ApiError> {
    answer(&api, call, |snapshot, _| view::summary(snapshot)).await
}

pub(crate) async fn detail(State(api): State<ApiState>, call: Call) -> Result<Response, ApiError> {
    answer(&api, call, |snapshot, call| view::detail(snapshot, call.version)).await
}

async fn answer(
    api: &ApiState,
    mut call: Call,
    view: fn(&SnapshotRecord, &Call) -> Value,
) -> Result<Response, ApiError> {
    let page = Page::read(&mut call, &DIALECT, api.settings().page_limit)?;
    let mut tx = api.store().read().await?;
    if let Some(marker) = page.marker::<SnapshotId>("snapshot")?
        && tx.snapshot(marker).await?.is_none()
    {
        return Err(ApiError::not_found("snapshot", marker));
    }
    let snapshots = tx.list_snapshots(&page.listing).await?;
    let count = if page.with_count { Some(tx.count_snapshots(&page.listing).await?) } else { None };
    let entries = snapshots.iter().map(|snapshot| view(snapshot, &call)).collect();
    let last = snapshots.last().map(|snapshot| snapshot.id.to_string());
    Ok(page.answer(&call, "snapshots", entries, last, count))
}
