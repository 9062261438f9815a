//! Scheduler hints of a request: taken apart here, looked up by the intake.

use ashlar_common::{
    ids::VolumeId,
    manager::hints::MOST_VOLUMES,
    scheduler::{Hints, Query},
};
use serde_json::Value;

use crate::api::{body::Body, error::ApiError, object::Object};

/// The member beside `volume`, by its name and by the one before extensions had prefixes.
const MEMBERS: [&str; 2] = ["OS-SCH-HNT:scheduler_hints", "scheduler_hints"];

/// Takes the hints out of a body.
///
/// # Errors
/// 400 with the hint's name.
pub(super) fn take(body: &mut Body) -> Result<Hints, ApiError> {
    let [newer, older] = MEMBERS.map(|member| body.take(member));
    match (newer, older) {
        (Some(_), Some(_)) => Err(ApiError::bad_request("there are hints under both names: give one of them")),
        (Some(hints), None) | (None, Some(hints)) => read(Object::of("scheduler hints", hints)?),
        (None, None) => Ok(Hints::default()),
    }
}

fn read(mut hints: Object) -> Result<Hints, ApiError> {
    let read = Hints {
        same_host: volumes(&mut hints, "same_host")?,
        different_host: volumes(&mut hints, "different_host")?,
        local_to_instance: hints.id::<uuid::Uuid>("local_to_instance")?,
        query: query(&mut hints)?,
    };
    hints.finish()?;
    Ok(read)
}

/// One id, or a list of them.
fn volumes(hints: &mut Object, name: &str) -> Result<Vec<VolumeId>, ApiError> {
    let listed = match hints.value(name) {
        None => return Ok(Vec::new()),
        Some(Value::Array(listed)) => listed,
        Some(one) => vec![one],
    };
    if listed.len() > MOST_VOLUMES {
        return Err(hints.wrong(name, &format!("names more than {MOST_VOLUMES} volumes")));
    }
    let id = |value: &Value| value.as_str().and_then(|text| text.parse().ok());
    listed
        .iter()
        .map(|value| id(value).ok_or_else(|| hints.wrong(name, "must be the id of a volume, or a list of such")))
        .collect()
}

/// A text that holds JSON, as clients send it, or the JSON itself.
fn query(hints: &mut Object) -> Result<Option<Query>, ApiError> {
    let query = match hints.value("query") {
        None => return Ok(None),
        Some(Value::String(text)) => Query::read(&text),
        Some(value) => Query::of(&value),
    };
    query.map(Some).map_err(|error| hints.wrong("query", &format!("is no query: {error}")))
}

#[cfg(test)]
mod tests {
    use ashlar_common::scheduler::Hints;
    use serde_json::{Value, json};

    use super::{Object, read};

    fn parsed(hints: Value) -> Result<Hints, String> {
        let object = Object::of("scheduler hints", hints).map_err(|error| format!("{error:?}"))?;
        read(object).map_err(|error| format!("{error:?}"))
    }

    #[test]
    fn hints_are_taken_in_the_forms_clients_send() {
        let id = "6d9c2b0e-7d0f-4c58-9a0e-0d7c1d1f8b1a";
        let one = parsed(json!({ "same_host": id, "different_host": [id, id] })).expect("good");
        assert_eq!((one.same_host.len(), one.different_host.len()), (1, 2));
        assert!(parsed(json!({ "local_to_instance": id })).expect("good").local_to_instance.is_some());
        let text = parsed(json!({ "query": "[\"=\", \"$pool_name\", \"a\"]" })).expect("good");
        let list = parsed(json!({ "query": ["=", "$pool_name", "a"] })).expect("good");
        assert!(text.query.is_some() && text == list);
        assert_eq!(parsed(Value::Null), Ok(Hints::default()));
    }

    #[test]
    fn what_cannot_be_followed_is_named() {
        for (hints, name) in [
            (json!({ "same_host": "fast" }), "same_host in scheduler hints must be the id of a volume"),
            (json!({ "different_host": [1] }), "different_host in scheduler hints must be the id of a volume"),
            (json!({ "different_host": vec!["x"; 101] }), "names more than 100 volumes"),
            (json!({ "local_to_instance": "vm" }), "local_to_instance in scheduler hints must be a UUID"),
            (json!({ "query": "[\"~\", 1, 2]" }), "query in scheduler hints is no query"),
            (json!({ "same_hots": [] }), "unknown field"),
        ] {
            let said = parsed(hints.clone()).expect_err("refused");
            assert!(said.contains(name), "{hints}: {said}");
        }
    }
}
