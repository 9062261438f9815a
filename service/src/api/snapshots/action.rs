//! `POST /snapshots/{id}/action`.

use ashlar_common::state::Status;
use axum::{extract::State, http::StatusCode};

use crate::api::{body::Body, call::Call, error::ApiError, object::Object, state::ApiState};

pub(crate) async fn act(State(api): State<ApiState>, call: Call, body: Body) -> Result<StatusCode, ApiError> {
    let id = call.id("snapshot")?;
    let (name, given) = body.single()?;
    let mut given = Object::of(&name, given)?;
    match name.as_str() {
        "os-reset_status" => {
            let status: Status = given
                .line("status")?
                .and_then(|word| word.to_lowercase().parse().ok())
                .filter(is_of_a_snapshot)
                .ok_or_else(|| given.wrong("status", "must be a snapshot's status, such as available or error"))?;
            given.finish()?;
            api.intake().reset_snapshot_status(&call.who, id, status).await?;
            Ok(StatusCode::ACCEPTED)
        }
        // In whatever status an administrator left it, which deleting minds as little.
        "os-force_delete" => {
            given.finish()?;
            api.intake().delete_snapshot(&call.who, id).await?;
            Ok(StatusCode::ACCEPTED)
        }
        _ => {
            let shown: String = name.chars().take(60).collect();
            Err(ApiError::bad_request(format!("there is no action {shown:?} on snapshots here")))
        }
    }
}

fn is_of_a_snapshot(status: &Status) -> bool {
    matches!(status, Status::Creating | Status::Available | Status::Deleting | Status::Error | Status::ErrorDeleting)
}
