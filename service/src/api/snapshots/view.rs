//! A snapshot as clients see it.

use ashlar_common::{state::Status, store::records::SnapshotRecord};
use serde_json::{Value, json};

use crate::api::{
    microversion::{CONSUMES_QUOTA, GROUP_SNAPSHOT, Microversion, SNAPSHOT_USER},
    time,
};

/// The entry of a short list.
pub(crate) fn summary(snapshot: &SnapshotRecord) -> Value {
    json!({
        "id": snapshot.id.to_string(),
        "name": snapshot.name,
        "description": snapshot.description,
        "created_at": time::text(snapshot.created_at),
        "updated_at": time::value(snapshot.updated_at),
        "status": snapshot.status.as_str(),
        "size": snapshot.size.gib_ceil(),
        "volume_id": snapshot.volume_id.to_string(),
        "metadata": snapshot.metadata,
    })
}

/// All of it, as show and the detailed list have it.
pub(crate) fn detail(snapshot: &SnapshotRecord, version: Microversion) -> Value {
    let mut view = made(snapshot, version);
    view["os-extended-snapshot-attributes:project_id"] = json!(snapshot.project_id);
    let progress = if snapshot.status == Status::Available { "100%" } else { "0%" };
    view["os-extended-snapshot-attributes:progress"] = json!(progress);
    view
}

/// What create and update answer.
pub(crate) fn made(snapshot: &SnapshotRecord, version: Microversion) -> Value {
    let mut view = summary(snapshot);
    if version.has(GROUP_SNAPSHOT) {
        view["group_snapshot_id"] = Value::Null;
    }
    if version.has(SNAPSHOT_USER) {
        view["user_id"] = json!(snapshot.user_id);
    }
    if version.has(CONSUMES_QUOTA) {
        view["consumes_quota"] = json!(true);
    }
    view
}

#[cfg(test)]
mod tests {
    use ashlar_common::{
        ids::SnapshotId,
        state::{SnapshotState, Status},
        store::records::{Place, SnapshotRecord},
        units::ByteCount,
    };
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::{Microversion, detail};

    fn snapshot() -> SnapshotRecord {
        SnapshotRecord {
            id: SnapshotId::from(Uuid::from_u128(1)),
            volume_id: Uuid::from_u128(2).into(),
            project_id: "demo".to_owned(),
            user_id: "ann".to_owned(),
            name: None,
            description: Some("nightly".to_owned()),
            size: ByteCount::from_gib(3).expect("small"),
            state: SnapshotState::Available,
            status: Status::Available,
            place: Place { backend: "fast".parse().expect("a name"), pool: "a".parse().expect("a name") },
            metadata: [("k".to_owned(), "v".to_owned())].into(),
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: None,
        }
    }

    fn shown(minor: u16) -> String {
        serde_json::to_string_pretty(&detail(&snapshot(), Microversion::minor(minor))).expect("JSON")
    }

    #[test]
    fn the_oldest_version_shows_the_documented_fields() {
        insta::assert_snapshot!(shown(0), @r##"
        {
          "created_at": "1970-01-01T00:00:00.000000",
          "description": "nightly",
          "id": "00000000-0000-0000-0000-000000000001",
          "metadata": {
            "k": "v"
          },
          "name": null,
          "os-extended-snapshot-attributes:progress": "100%",
          "os-extended-snapshot-attributes:project_id": "demo",
          "size": 3,
          "status": "available",
          "updated_at": null,
          "volume_id": "00000000-0000-0000-0000-000000000002"
        }
        "##);
    }

    #[test]
    fn the_newest_version_shows_all() {
        insta::assert_snapshot!(shown(70), @r##"
        {
          "consumes_quota": true,
          "created_at": "1970-01-01T00:00:00.000000",
          "description": "nightly",
          "group_snapshot_id": null,
          "id": "00000000-0000-0000-0000-000000000001",
          "metadata": {
            "k": "v"
          },
          "name": null,
          "os-extended-snapshot-attributes:progress": "100%",
          "os-extended-snapshot-attributes:project_id": "demo",
          "size": 3,
          "status": "available",
          "updated_at": null,
          "user_id": "ann",
          "volume_id": "00000000-0000-0000-0000-000000000002"
        }
        "##);
    }
}
