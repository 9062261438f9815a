//! `POST /volumes/{id}/action`: the action is the name of the body's only member.

use ashlar_common::ids::VolumeId;
use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::Value;

use super::{actions, connections};
use crate::api::{body::Body, call::Call, error::ApiError, object::Object, state::ApiState};

/// An action on a volume, with what it was given.
pub(super) struct Action<'a> {
    pub(super) api: &'a ApiState,
    pub(super) call: &'a Call,
    pub(super) volume: VolumeId,
    pub(super) given: Object,
}

/// What an action answers.
pub(super) enum Done {
    /// 202: it goes on.
    Accepted,
    /// 202, with what was started.
    Started(Value),
    /// 200: it is so.
    Finished,
    /// 200, with what was asked.
    Told(Value),
}

pub(crate) async fn act(State(api): State<ApiState>, call: Call, body: Body) -> Result<Response, ApiError> {
    let volume = call.volume()?;
    let (name, given) = body.single()?;
    let action = Action { api: &api, call: &call, volume, given: Object::of(&name, given)? };
    let done = match name.as_str() {
        "os-extend" => actions::extend(action).await,
        "revert" => actions::revert(action).await,
        "os-reset_status" => actions::reset_status(action).await,
        "os-force_delete" => actions::delete(action).await,
        "os-set_bootable" => actions::set_bootable(action).await,
        "os-volume_upload_image" => actions::upload(action).await,
        "os-reserve" => connections::reserve(action).await,
        "os-unreserve" => connections::unreserve(action).await,
        "os-begin_detaching" => connections::begin_detaching(action).await,
        "os-roll_detaching" => connections::roll_detaching(action).await,
        "os-attach" => connections::attach(action).await,
        "os-detach" => connections::detach(action).await,
        "os-initialize_connection" => connections::initialize(action).await,
        "os-terminate_connection" => connections::terminate(action).await,
        _ => {
            let shown: String = name.chars().take(60).collect();
            Err(ApiError::bad_request(format!("there is no action {shown:?} on volumes here")))
        }
    };
    Ok(match done? {
        Done::Accepted => StatusCode::ACCEPTED.into_response(),
        Done::Started(said) => (StatusCode::ACCEPTED, Json(said)).into_response(),
        Done::Finished => StatusCode::OK.into_response(),
        Done::Told(said) => Json(said).into_response(),
    })
}
