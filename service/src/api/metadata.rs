//! Keys and values that users attach to volumes and snapshots.

use ashlar_common::store::records::Metadata;
use serde_json::{Map, Value, json};

use super::{body::Body, error::ApiError, object::Object, text};

/// The most entries one thing may have.
const MAX_ENTRIES: usize = 256;

/// Reads an object of texts.
///
/// # Errors
/// 400.
pub(crate) fn parse(field: &str, value: Value) -> Result<Metadata, ApiError> {
    let Value::Object(entries) = value else {
        return Err(ApiError::bad_request(format!("{field} must be an object of texts")));
    };
    bounded(field, entries.len())?;
    entries.into_iter().map(|(key, value)| entry(field, key, value)).collect()
}

fn entry(field: &str, key: String, value: Value) -> Result<(String, String), ApiError> {
    let Value::String(value) = value else {
        return Err(ApiError::bad_request(format!("each value in {field} must be a text")));
    };
    if key.trim().is_empty() {
        return Err(ApiError::bad_request(format!("a key in {field} is empty: give it a name")));
    }
    text::line(&format!("a key in {field}"), &key)?;
    text::lines(&format!("a value in {field}"), &value)?;
    Ok((key, value))
}

/// Refuses more entries than are stored.
///
/// # Errors
/// 400.
pub(crate) fn bounded(field: &str, entries: usize) -> Result<(), ApiError> {
    if entries > MAX_ENTRIES {
        return Err(ApiError::bad_request(format!("{field} has {entries} entries; at most {MAX_ENTRIES} are stored")));
    }
    Ok(())
}

/// A change to a thing's metadata.
pub(crate) enum Edit {
    /// Add these, over those of the same keys.
    Merge(Metadata),
    /// These and no others.
    Replace(Metadata),
    /// Not this one.
    Remove(String),
}

impl Edit {
    /// The body of a POST or PUT on `/metadata`.
    ///
    /// # Errors
    /// 400.
    pub(crate) fn read(body: Body, edit: fn(Metadata) -> Self) -> Result<Self, ApiError> {
        let mut body = body.flat();
        let metadata = body.metadata("metadata")?.ok_or_else(|| body.wrong("metadata", "is required"))?;
        body.finish()?;
        Ok(edit(metadata))
    }

    /// The body of a PUT on `/metadata/{key}`: `{"meta": {key: value}}`, for that key alone.
    ///
    /// # Errors
    /// 400.
    pub(crate) fn read_one(body: Body, key: &str) -> Result<Self, ApiError> {
        let mut body: Object = body.flat();
        let meta = body.metadata("meta")?.ok_or_else(|| body.wrong("meta", "is required"))?;
        body.finish()?;
        if meta.len() != 1 || !meta.contains_key(key) {
            return Err(ApiError::bad_request("meta must hold the key of the URL, and that alone"));
        }
        Ok(Self::Merge(meta))
    }

    /// The metadata afterwards.
    ///
    /// # Errors
    /// 404 when a key to remove is not there, 400 when there are too many.
    pub(crate) fn apply(self, metadata: &mut Metadata) -> Result<(), ApiError> {
        match self {
            Self::Merge(new) => metadata.extend(new),
            Self::Replace(new) => *metadata = new,
            Self::Remove(key) => {
                metadata.remove(&key).ok_or_else(|| ApiError::not_found("metadata key", &key))?;
            }
        }
        bounded("metadata", metadata.len())
    }
}

/// `{"meta": {key: value}}`.
///
/// # Errors
/// 404 when the key is not there.
pub(crate) fn view_one(metadata: &Metadata, key: &str) -> Result<Value, ApiError> {
    let value = metadata.get(key).ok_or_else(|| ApiError::not_found("metadata key", key))?;
    let one: Map<String, Value> = [(key.to_owned(), json!(value))].into_iter().collect();
    Ok(json!({ "meta": one }))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Edit, parse};

    fn check(value: Value, good: bool) {
        assert_eq!(parse("metadata", value.clone()).is_ok(), good, "{value}");
    }

    #[test]
    fn keys_and_values_are_texts_within_bounds() {
        check(json!({}), true);
        check(json!({ "k": "" }), true);
        check(json!({ "k": "v\nw" }), true);
        check(json!({ "": "v" }), false);
        check(json!({ " ": "v" }), false);
        check(json!({ "k": 1 }), false);
        check(json!({ "k": null }), false);
        check(json!({ "k": "v\u{7}" }), false);
        check(json!({ "k\n": "v" }), false);
        check(json!({ "k".repeat(256): "v" }), false);
        check(json!({ "k": "v".repeat(256) }), false);
        check(json!([]), false);
        check((0..257).map(|n| (n.to_string(), json!("v"))).collect(), false);
    }

    #[test]
    fn merging_cannot_grow_without_bound() {
        let entries = |from: u32, to: u32| (from..to).map(|n| (n.to_string(), String::new())).collect();
        let mut metadata = entries(0, 256);
        assert!(Edit::Merge(entries(0, 256)).apply(&mut metadata).is_ok());
        assert!(Edit::Merge(entries(256, 257)).apply(&mut metadata).is_err());
    }
}
