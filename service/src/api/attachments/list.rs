//! `GET /attachments`, `/attachments/detail` and `/attachments/{id}`.

use ashlar_common::{
    ids::AttachmentId,
    store::{
        Tx,
        listing::{Column, Listing},
        records::AttachmentRecord,
    },
};
use axum::{Json, extract::State, response::Response};
use serde_json::{Value, json};

use super::view;
use crate::api::{
    call::Call,
    error::ApiError,
    listing::{By, Dialect, Page},
    microversion::ATTACHMENTS,
    owned,
    state::ApiState,
};

pub(crate) const DIALECT: Dialect = Dialect {
    filters: &[
        ("id", By::Text(Column::Id)),
        ("volume_id", By::Text(Column::VolumeId)),
        ("instance_id", By::Text(Column::InstanceId)),
        ("instance_uuid", By::Text(Column::InstanceId)),
    ],
    sorts: &[
        ("id", Column::Id),
        ("volume_id", Column::VolumeId),
        ("instance_id", Column::InstanceId),
        ("project_id", Column::ProjectId),
        ("created_at", Column::CreatedAt),
    ],
};

pub(crate) async fn brief(State(api): State<ApiState>, call: Call) -> Result<Response, ApiError> {
    answer(&api, call, view::summary).await
}

pub(crate) async fn detail(State(api): State<ApiState>, call: Call) -> Result<Response, ApiError> {
    answer(&api, call, view::detail).await
}

pub(crate) async fn show(State(api): State<ApiState>, call: Call) -> Result<Json<Value>, ApiError> {
    call.needs(ATTACHMENTS)?;
    let id = call.id("attachment")?;
    let mut tx = api.store().read().await?;
    let attachment = owned::attachment(&mut tx, &call.who, id).await?;
    Ok(Json(json!({ "attachment": view::detail(&attachment) })))
}

async fn answer(api: &ApiState, mut call: Call, view: fn(&AttachmentRecord) -> Value) -> Result<Response, ApiError> {
    call.needs(ATTACHMENTS)?;
    let older = call.query.take("attach_status");
    let status = call.query.take("status").or(older);
    let page = Page::read(&mut call, &DIALECT, api.settings().page_limit)?;
    let mut tx = api.store().read().await?;
    if let Some(marker) = page.marker::<AttachmentId>("attachment")?
        && tx.attachment(marker).await?.is_none()
    {
        return Err(ApiError::not_found("attachment", marker));
    }
    let attachments = match status {
        None => tx.list_attachments(&page.listing).await?,
        Some(status) => of_status(&mut tx, &page.listing, &status).await?,
    };
    let last = attachments.last().map(|attachment| attachment.id.to_string());
    Ok(page.answer(&call, "attachments", attachments.iter().map(view).collect(), last, None))
}

/// An attachment's status follows from its state, which is no column to filter by: they are read slice by slice.
async fn of_status(tx: &mut Tx, asked: &Listing, status: &str) -> Result<Vec<AttachmentRecord>, ApiError> {
    const SLICE: u32 = 1000;
    let (mut left_out, wanted) = (asked.offset, asked.limit as usize);
    let mut slice = Listing { offset: 0, limit: SLICE, ..asked.clone() };
    let mut found = Vec::new();
    while found.len() < wanted {
        let attachments = tx.list_attachments(&slice).await?;
        let Some(last) = attachments.last() else { break };
        slice.marker = Some(last.id.to_string());
        for attachment in attachments.into_iter().filter(|attachment| attachment.state.word() == status) {
            match left_out {
                0 => found.push(attachment),
                _ => left_out -= 1,
            }
        }
    }
    found.truncate(wanted);
    Ok(found)
}
