//! A driver's options out of the JSON schema of its configuration. Pure.

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::Value;

/// One option.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its key.
    pub key: String,
    /// What may be written there.
    pub kind: String,
    /// What it is when it is not written, as in the file; none where it must be written or simply is not there.
    pub default: Option<String>,
    /// Whether it must be written.
    pub required: bool,
    /// What it is for.
    pub text: String,
}

/// The options: those that must be written first, then by name.
///
/// # Errors
/// The schema is not one of an object.
pub fn rows(schema: &Value) -> Result<Vec<Row>> {
    let properties = schema.get("properties").and_then(Value::as_object).context("the options are no object")?;
    let required = |key: &str| {
        let all = schema.get("required").and_then(Value::as_array);
        all.is_some_and(|all| all.iter().any(|one| one.as_str() == Some(key)))
    };
    let row = |(key, property): (&String, &Value)| Row {
        key: key.clone(),
        kind: kind(property, schema),
        default: property.get("default").filter(|default| !default.is_null()).map(ToString::to_string),
        required: required(key),
        text: one_line(property.get("description").and_then(Value::as_str).unwrap_or_default()),
    };
    let mut rows: Vec<Row> = properties.iter().map(row).collect();
    rows.sort_by(|a, b| (!a.required, &a.key).cmp(&(!b.required, &b.key)));
    Ok(rows)
}

/// What may be written: `integer, 0 to 100`, or the words that are known.
fn kind(property: &Value, schema: &Value) -> String {
    if let Some(name) = property.get("$ref").and_then(Value::as_str).and_then(|at| at.strip_prefix("#/$defs/")) {
        return schema
            .get("$defs")
            .and_then(|all| all.get(name))
            .map_or_else(|| name.to_owned(), |own| kind(own, schema));
    }
    if let Some(ways) = ["oneOf", "anyOf"].iter().find_map(|key| property.get(*key)).and_then(Value::as_array) {
        let ways: Vec<String> = ways.iter().map(|way| kind(way, schema)).filter(|way| way != "null").collect();
        return ways.join(" or ");
    }
    if let Some(word) = property.get("const") {
        return word.to_string();
    }
    if let Some(words) = property.get("enum").and_then(Value::as_array) {
        return words.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
    }
    let name = match property.get("type") {
        Some(Value::String(name)) => name.clone(),
        Some(Value::Array(names)) => {
            let names: Vec<&str> = names.iter().filter_map(Value::as_str).filter(|name| *name != "null").collect();
            names.join(" or ")
        }
        _ => "any".to_owned(),
    };
    match (property.get("minimum"), property.get("maximum")) {
        (Some(least), Some(most)) => format!("{name}, {least} to {most}"),
        (Some(least), None) => format!("{name}, at least {least}"),
        (None, Some(most)) => format!("{name}, at most {most}"),
        (None, None) => name,
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Row, rows};

    fn kind(property: &serde_json::Value) -> String {
        let defs = json!({ "Mode": { "oneOf": [{ "const": "thin" }, { "const": "thick" }] } });
        let schema = json!({ "properties": { "a": property }, "$defs": defs });
        rows(&schema).unwrap().remove(0).kind
    }

    #[test]
    fn what_may_be_written_is_told_in_words() {
        assert_eq!(kind(&json!({ "type": "integer", "minimum": 0, "maximum": 100 })), "integer, 0 to 100");
        assert_eq!(kind(&json!({ "type": "number", "minimum": 1.0 })), "number, at least 1.0");
        assert_eq!(kind(&json!({ "$ref": "#/$defs/Mode" })), "\"thin\" or \"thick\"");
        assert_eq!(
            kind(&json!({ "anyOf": [{ "$ref": "#/$defs/Mode" }, { "type": "null" }] })),
            "\"thin\" or \"thick\""
        );
        assert_eq!(kind(&json!({ "type": ["string", "null"] })), "string");
        assert_eq!(kind(&json!({ "enum": ["a", "b"] })), "\"a\" or \"b\"");
    }

    #[test]
    fn what_must_be_written_comes_first() {
        let schema = json!({
            "properties": {
                "a": { "type": "boolean", "default": false, "description": "First\nline." },
                "z": { "type": "string" },
            },
            "required": ["z"],
        });
        let rows = rows(&schema).unwrap();
        assert_eq!((rows[0].key.as_str(), rows[0].required, rows[0].default.as_deref()), ("z", true, None));
        let expected = Row {
            key: "a".to_owned(),
            kind: "boolean".to_owned(),
            default: Some("false".to_owned()),
            required: false,
            text: "First line.".to_owned(),
        };
        assert_eq!(rows[1], expected);
    }

    #[test]
    fn a_schema_without_properties_is_refused() {
        assert!(rows(&json!({ "type": "string" })).is_err());
    }
}
