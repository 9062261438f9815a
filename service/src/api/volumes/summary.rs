//! `GET /volumes/summary`.

use std::collections::{BTreeMap, BTreeSet};

use ashlar_common::{store::listing::Listing, units::ByteCount};
use axum::{Json, extract::State};
use serde_json::{Value, json};

use crate::api::{
    call::Call,
    error::ApiError,
    microversion::{SUMMARY, SUMMARY_METADATA},
    state::ApiState,
};

/// Volumes read at a time: the summary goes over all of them without holding them.
const SLICE: u32 = 1000;

pub(crate) async fn summary(State(api): State<ApiState>, mut call: Call) -> Result<Json<Value>, ApiError> {
    call.needs(SUMMARY)?;
    let all_tenants = call.query.flag("all_tenants")?.unwrap_or(false);
    let project_id = (!all_tenants).then(|| call.who.project_id.clone());
    let mut listing = Listing { project_id, limit: SLICE, ..Listing::default() };
    let (mut count, mut size) = (0_u64, ByteCount::ZERO);
    let mut metadata: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut tx = api.store().read().await?;
    loop {
        let volumes = tx.list_volumes(&listing).await?;
        listing.marker = volumes.last().map(|volume| volume.id.to_string());
        count += volumes.len() as u64;
        for volume in volumes {
            size = size.saturating_add(volume.size);
            for (key, value) in volume.metadata {
                metadata.entry(key).or_default().insert(value);
            }
        }
        if listing.marker.is_none() {
            break;
        }
    }
    let mut view = json!({ "total_count": count, "total_size": size.gib_ceil() });
    if call.version.has(SUMMARY_METADATA) {
        view["metadata"] = json!(metadata);
    }
    Ok(Json(json!({ "volume-summary": view })))
}
