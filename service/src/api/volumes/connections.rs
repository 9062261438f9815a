//! The older way to attach, by actions on the volume; newer clients use `/attachments`.

use ashlar_common::driver::{AccessMode, Connector};
use serde_json::json;

use super::action::{Action, Done};
use crate::api::{error::ApiError, object::Object};

pub(super) async fn reserve(action: Action<'_>) -> Result<Done, ApiError> {
    action.given.finish()?;
    action.api.intake().reserve(&action.call.who, action.volume).await?;
    Ok(Done::Accepted)
}

pub(super) async fn unreserve(action: Action<'_>) -> Result<Done, ApiError> {
    action.given.finish()?;
    action.api.intake().unreserve(&action.call.who, action.volume).await?;
    Ok(Done::Accepted)
}

pub(super) async fn begin_detaching(action: Action<'_>) -> Result<Done, ApiError> {
    action.given.finish()?;
    action.api.intake().begin_detaching(&action.call.who, action.volume).await?;
    Ok(Done::Accepted)
}

pub(super) async fn roll_detaching(action: Action<'_>) -> Result<Done, ApiError> {
    action.given.finish()?;
    action.api.intake().roll_detaching(&action.call.who, action.volume).await?;
    Ok(Done::Accepted)
}

pub(super) async fn attach(mut action: Action<'_>) -> Result<Done, ApiError> {
    let given = &mut action.given;
    let instance = given.line("instance_uuid")?.filter(|id| !id.is_empty());
    let host = given.line("host_name")?.filter(|name| !name.is_empty());
    let mountpoint = given.line("mountpoint")?.filter(|path| !path.is_empty());
    let mode = mode(given)?.unwrap_or(AccessMode::ReadWrite);
    if instance.is_none() && host.is_none() {
        return Err(ApiError::bad_request("os-attach needs an instance_uuid or a host_name"));
    }
    action.given.finish()?;
    action.api.intake().attach(&action.call.who, action.volume, instance, host, mountpoint, mode).await?;
    Ok(Done::Accepted)
}

pub(super) async fn detach(mut action: Action<'_>) -> Result<Done, ApiError> {
    let attachment = action.given.id("attachment_id")?;
    action.given.finish()?;
    action.api.intake().detach(&action.call.who, action.volume, attachment).await?;
    Ok(Done::Accepted)
}

pub(super) async fn initialize(mut action: Action<'_>) -> Result<Done, ApiError> {
    let connector = required_connector(&mut action.given)?;
    action.given.finish()?;
    let connection = action.api.intake().initialize_connection(&action.call.who, action.volume, connector).await?;
    Ok(Done::Told(json!({ "connection_info": connection })))
}

pub(super) async fn terminate(mut action: Action<'_>) -> Result<Done, ApiError> {
    let connector = required_connector(&mut action.given)?;
    action.given.finish()?;
    action.api.intake().terminate_connection(&action.call.who, action.volume, &connector).await?;
    Ok(Done::Accepted)
}

fn required_connector(given: &mut Object) -> Result<Connector, ApiError> {
    connector(given)?.ok_or_else(|| given.wrong("connector", "is required"))
}

/// The client's side, as os-brick describes it. Kept as it came; the body's limit bounds it.
pub(crate) fn connector(given: &mut Object) -> Result<Option<Connector>, ApiError> {
    // An empty one is how some clients say none.
    let connector = given.map("connector")?.filter(|properties| !properties.is_empty()).map(Connector);
    if connector.as_ref().is_some_and(|connector| connector.host().is_none_or(str::is_empty)) {
        return Err(given.wrong("connector", "must name its host: {\"host\": \"...\"}"));
    }
    Ok(connector)
}

/// `rw` or `ro`.
pub(crate) fn mode(given: &mut Object) -> Result<Option<AccessMode>, ApiError> {
    match given.line("mode")?.as_deref() {
        None => Ok(None),
        Some("rw") => Ok(Some(AccessMode::ReadWrite)),
        Some("ro") => Ok(Some(AccessMode::ReadOnly)),
        Some(_) => Err(given.wrong("mode", "must be rw or ro")),
    }
}
