//! A type by what clients call it.

use ashlar_common::{
    ids::TypeId,
    store::{Tx, records::TypeRecord},
};

use crate::api::error::ApiError;

/// The type of that id or name.
///
/// # Errors
/// 404, 503.
pub(crate) async fn find(tx: &mut Tx, id_or_name: &str) -> Result<TypeRecord, ApiError> {
    if let Ok(id) = id_or_name.parse::<TypeId>()
        && let Some(kind) = tx.volume_type(id).await?
    {
        return Ok(kind);
    }
    tx.volume_type_named(id_or_name).await?.ok_or_else(|| ApiError::not_found("volume type", id_or_name))
}

/// The type of that id.
///
/// # Errors
/// 404, 503.
pub(super) async fn by_id(tx: &mut Tx, id: TypeId) -> Result<TypeRecord, ApiError> {
    tx.volume_type(id).await?.ok_or_else(|| ApiError::not_found("volume type", id))
}
