//! `GET /types`, `/types/{id}` and `/types/default`.

use ashlar_common::store::records::TypeRecord;
use axum::{Json, extract::State};
use serde_json::{Map, Value, json};

use super::{find::by_id, view};
use crate::api::{call::Call, error::ApiError, object, python_dict, state::ApiState};

/// Types are few: the page is cut here, not in the store.
pub(crate) async fn list(State(api): State<ApiState>, mut call: Call) -> Result<Json<Value>, ApiError> {
    let query = &mut call.query;
    let limit = query.number("limit")?.map_or(usize::MAX, |limit| limit as usize);
    let offset = query.number("offset")?.unwrap_or(0) as usize;
    let marker = query.take("marker").filter(|marker| !marker.is_empty());
    let public = public_only(query.take("is_public"))?;
    let name = query.take("name");
    let specs = query.take("extra_specs").map(|specs| python_dict::parse(&specs)).transpose()?.unwrap_or_default();
    let order = Order::read(query.take("sort"), query.take("sort_key"), query.take("sort_dir"))?;
    query.take("all_tenants");
    if let Some(unknown) = query.rest().keys().next() {
        return Err(ApiError::bad_request(format!(
            "cannot filter by {unknown:?}; known here: is_public, name, extra_specs"
        )));
    }
    let mut tx = api.store().look().await?;
    let mut types = tx.volume_types().await?;
    types.retain(|kind| {
        public.is_none_or(|public| kind.is_public == public)
            && name.as_ref().is_none_or(|name| kind.name == *name)
            && specs.iter().all(|(key, value)| kind.extra_specs.get(key) == Some(value))
    });
    order.sort(&mut types);
    let start = match marker {
        None => 0,
        Some(marker) => {
            let found = types.iter().position(|kind| kind.id.to_string() == marker);
            found.ok_or_else(|| ApiError::not_found("volume type", marker))? + 1
        }
    };
    let page: Vec<Value> = types.iter().skip(start + offset).take(limit).map(view::detail).collect();
    let mut answer = Map::new();
    if let Some(last) = page.last().and_then(|kind| kind["id"].as_str()).filter(|_| page.len() == limit) {
        answer.insert("volume_type_links".to_owned(), json!(call.links.next(call.query.all(), last)));
    }
    answer.insert("volume_types".to_owned(), Value::Array(page));
    Ok(Json(Value::Object(answer)))
}

pub(crate) async fn show(State(api): State<ApiState>, call: Call) -> Result<Json<Value>, ApiError> {
    let mut tx = api.store().look().await?;
    let kind = by_id(&mut tx, call.id("volume type")?).await?;
    Ok(Json(json!({ "volume_type": view::detail(&kind) })))
}

pub(crate) async fn default(State(api): State<ApiState>, _call: Call) -> Result<Json<Value>, ApiError> {
    let name = &api.settings().default_type;
    let mut tx = api.store().look().await?;
    let kind = tx.volume_type_named(name).await?.ok_or_else(|| ApiError::not_found("default volume type", name))?;
    Ok(Json(json!({ "volume_type": view::detail(&kind) })))
}

/// As Cinder has it: nothing said means the public ones, `none` means all.
fn public_only(word: Option<String>) -> Result<Option<bool>, ApiError> {
    match word.as_deref() {
        None => Ok(Some(true)),
        Some(word) if word.eq_ignore_ascii_case("none") => Ok(None),
        Some(word) => {
            object::flag(word).map(Some).ok_or_else(|| ApiError::bad_request("is_public must be true, false or none"))
        }
    }
}

struct Order {
    key: fn(&TypeRecord) -> String,
    ascending: bool,
}

impl Order {
    fn read(sort: Option<String>, key: Option<String>, direction: Option<String>) -> Result<Self, ApiError> {
        let sort = sort.unwrap_or_default();
        let (sort_key, sort_direction) = sort.split_once(':').unwrap_or((&sort, "desc"));
        let key = key.unwrap_or_else(|| sort_key.to_owned());
        let direction = direction.unwrap_or_else(|| sort_direction.to_owned());
        let key: fn(&TypeRecord) -> String = match key.as_str() {
            // In microseconds of one length, until the year 2286.
            "" | "created_at" => |kind| format!("{:020}", kind.created_at.as_microsecond()),
            "id" => |kind| kind.id.to_string(),
            "name" => |kind| kind.name.clone(),
            _ => return Err(ApiError::bad_request("cannot sort by that key; known here: id, name, created_at")),
        };
        match direction.as_str() {
            "asc" => Ok(Self { key, ascending: true }),
            "desc" => Ok(Self { key, ascending: false }),
            _ => Err(ApiError::bad_request("a sort direction must be asc or desc")),
        }
    }

    fn sort(&self, types: &mut [TypeRecord]) {
        types.sort_by_cached_key(|kind| ((self.key)(kind), kind.id));
        if !self.ascending {
            types.reverse();
        }
    }
}
