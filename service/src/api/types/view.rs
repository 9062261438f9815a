//! A volume type as clients see it.

use ashlar_common::store::records::TypeRecord;
use serde_json::{Value, json};

use crate::api::time;

/// All of it, as show and list have it.
pub(crate) fn detail(kind: &TypeRecord) -> Value {
    let mut view = made(kind);
    view["qos_specs_id"] = Value::Null;
    view
}

/// What create answers.
pub(crate) fn made(kind: &TypeRecord) -> Value {
    let mut view = changed(kind);
    view["os-volume-type-access:is_public"] = json!(kind.is_public);
    view
}

/// What update answers.
pub(crate) fn changed(kind: &TypeRecord) -> Value {
    json!({
        "id": kind.id.to_string(),
        "name": kind.name,
        "description": kind.description,
        "is_public": kind.is_public,
        "extra_specs": kind.extra_specs,
    })
}

/// As the answer to `os-volume_upload_image` holds it: the stored row, more or less.
pub(crate) fn short(kind: &TypeRecord) -> Value {
    json!({
        "id": kind.id.to_string(),
        "name": kind.name,
        "description": kind.description,
        "is_public": kind.is_public,
        "extra_specs": kind.extra_specs,
        "qos_specs_id": null,
        "created_at": time::text(kind.created_at),
        "updated_at": time::value(kind.updated_at),
        "deleted": false,
        "deleted_at": null,
    })
}

#[cfg(test)]
mod tests {
    use ashlar_common::{ids::TypeId, store::records::TypeRecord};
    use jiff::Timestamp;
    use uuid::Uuid;

    #[test]
    fn a_type_shows_its_extra_specs() {
        let kind = TypeRecord {
            id: TypeId::from(Uuid::from_u128(1)),
            name: "fast".to_owned(),
            description: None,
            is_public: true,
            extra_specs: [("volume_backend_name".to_owned(), "ssd".to_owned())].into(),
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: None,
        };
        insta::assert_snapshot!(serde_json::to_string_pretty(&super::detail(&kind)).expect("JSON"), @r##"
        {
          "description": null,
          "extra_specs": {
            "volume_backend_name": "ssd"
          },
          "id": "00000000-0000-0000-0000-000000000001",
          "is_public": true,
          "name": "fast",
          "os-volume-type-access:is_public": true,
          "qos_specs_id": null
        }
        "##);
    }
}
