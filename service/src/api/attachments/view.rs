//! An attachment as clients see it.

use ashlar_common::{driver::ConnectionInfo, store::records::AttachmentRecord};
use serde_json::{Map, Value, json};

use crate::api::{time, volumes::view::mode};

/// The entry of a short list.
pub(crate) fn summary(attachment: &AttachmentRecord) -> Value {
    json!({
        "id": attachment.id.to_string(),
        "status": attachment.state.word(),
        "instance": attachment.instance_id,
        "volume_id": attachment.volume_id.to_string(),
    })
}

/// All of it.
pub(crate) fn detail(attachment: &AttachmentRecord) -> Value {
    let mut view = summary(attachment);
    view["attached_at"] = json!(time::or_empty(attachment.attached_at));
    // Attachments that ended are no longer there to be shown.
    view["detached_at"] = json!("");
    view["attach_mode"] = json!(mode(attachment.mode));
    view["connection_info"] = Value::Object(connection(attachment, attachment.connection.as_ref()));
    view
}

/// As os-brick takes it from this API: flat, unlike that of `os-initialize_connection`.
fn connection(attachment: &AttachmentRecord, connection: Option<&ConnectionInfo>) -> Map<String, Value> {
    let Some(connection) = connection else { return Map::new() };
    let mut flat = connection.data.clone();
    flat.insert("driver_volume_type".to_owned(), json!(connection.driver_volume_type));
    flat.insert("attachment_id".to_owned(), json!(attachment.id.to_string()));
    for (key, value) in
        [("access_mode", json!(mode(attachment.mode))), ("encrypted", json!(false)), ("qos_specs", Value::Null)]
    {
        flat.entry(key).or_insert(value);
    }
    flat
}

#[cfg(test)]
mod tests {
    use ashlar_common::{
        driver::{AccessMode, ConnectionInfo},
        ids::AttachmentId,
        state::AttachmentState,
        store::records::AttachmentRecord,
    };
    use jiff::Timestamp;
    use serde_json::json;
    use uuid::Uuid;

    use super::detail;

    fn attachment() -> AttachmentRecord {
        AttachmentRecord {
            id: AttachmentId::from(Uuid::from_u128(1)),
            volume_id: Uuid::from_u128(2).into(),
            project_id: "demo".to_owned(),
            instance_id: Some("vm".to_owned()),
            state: AttachmentState::Reserved,
            mode: AccessMode::ReadWrite,
            connector: None,
            connection: None,
            mountpoint: None,
            created_at: Timestamp::UNIX_EPOCH,
            attached_at: None,
        }
    }

    fn shown(attachment: &AttachmentRecord) -> String {
        serde_json::to_string_pretty(&detail(attachment)).expect("JSON")
    }

    #[test]
    fn a_reserved_one_has_no_connection() {
        insta::assert_snapshot!(shown(&attachment()), @r##"
        {
          "attach_mode": "rw",
          "attached_at": "",
          "connection_info": {},
          "detached_at": "",
          "id": "00000000-0000-0000-0000-000000000001",
          "instance": "vm",
          "status": "reserved",
          "volume_id": "00000000-0000-0000-0000-000000000002"
        }
        "##);
    }

    #[test]
    fn the_connection_is_flat() {
        let data = json!({ "device_path": "/dev/x", "access_mode": "ro" });
        let data = data.as_object().expect("an object").clone();
        let connection = Some(ConnectionInfo { driver_volume_type: "local".to_owned(), data });
        let attached_at = Some(Timestamp::UNIX_EPOCH);
        let state = AttachmentState::Attached;
        insta::assert_snapshot!(shown(&AttachmentRecord { connection, attached_at, state, ..attachment() }), @r##"
        {
          "attach_mode": "rw",
          "attached_at": "1970-01-01T00:00:00.000000",
          "connection_info": {
            "access_mode": "ro",
            "attachment_id": "00000000-0000-0000-0000-000000000001",
            "device_path": "/dev/x",
            "driver_volume_type": "local",
            "encrypted": false,
            "qos_specs": null
          },
          "detached_at": "",
          "id": "00000000-0000-0000-0000-000000000001",
          "instance": "vm",
          "status": "attached",
          "volume_id": "00000000-0000-0000-0000-000000000002"
        }
        "##);
    }
}
