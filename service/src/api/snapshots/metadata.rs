//! `/snapshots/{id}/metadata`.

use ashlar_common::store::records::Metadata;

use super::edit::edit;
use crate::api::{call::Call, error::ApiError, metadata::Edit, owned, state::ApiState, tagged::Tagged};

/// Snapshots as what carries metadata.
pub(crate) struct Snapshots;

impl Tagged for Snapshots {
    async fn read(api: &ApiState, call: &Call) -> Result<Metadata, ApiError> {
        let id = call.id("snapshot")?;
        let mut tx = api.store().read().await?;
        Ok(owned::snapshot(&mut tx, &call.who, id).await?.metadata)
    }

    async fn apply(api: &ApiState, call: &Call, change: Edit) -> Result<Metadata, ApiError> {
        let snapshot = edit(api, call, call.id("snapshot")?, |snapshot| change.apply(&mut snapshot.metadata)).await?;
        Ok(snapshot.metadata)
    }
}
