//! `/volumes/{id}/metadata`.

use ashlar_common::store::records::Metadata;

use super::edit::edit;
use crate::api::{call::Call, error::ApiError, metadata::Edit, owned, state::ApiState, tagged::Tagged};

/// Volumes as what carries metadata.
pub(crate) struct Volumes;

impl Tagged for Volumes {
    async fn read(api: &ApiState, call: &Call) -> Result<Metadata, ApiError> {
        let id = call.volume()?;
        let mut tx = api.store().read().await?;
        Ok(owned::volume(&mut tx, &call.who, id).await?.metadata)
    }

    async fn apply(api: &ApiState, call: &Call, change: Edit) -> Result<Metadata, ApiError> {
        let volume = edit(api, call, call.volume()?, |volume| change.apply(&mut volume.metadata)).await?;
        Ok(volume.metadata)
    }
}
