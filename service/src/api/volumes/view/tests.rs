use ashlar_common::{
    driver::{AccessMode, Connector},
    ids::VolumeId,
    state::{AttachmentState, Status, VolumeState},
    store::records::{AttachmentRecord, Moment, Place, TypeRecord, VolumeRecord},
    units::ByteCount,
};
use axum::http::{HeaderMap, Uri};
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::{Shape, detail, summary};
use crate::api::{links::Links, microversion::Microversion, state::ApiSettings};

fn volume() -> VolumeRecord {
    VolumeRecord {
        id: VolumeId::from(Uuid::from_u128(1)),
        project_id: "demo".to_owned(),
        user_id: "ann".to_owned(),
        name: Some("root".to_owned()),
        description: None,
        size: ByteCount::from_gib(2).expect("small"),
        provisioned: ByteCount::from_gib(2).expect("small"),
        state: VolumeState::Available,
        status: Status::InUse,
        place: Some(Place { backend: "fast".parse().expect("a name"), pool: "a".parse().expect("a name") }),
        availability_zone: "nova".to_owned(),
        type_id: Some(Uuid::from_u128(7).into()),
        multi_attach: false,
        bootable: true,
        source_volume_id: None,
        source_snapshot_id: Some(Uuid::from_u128(3).into()),
        image_id: None,
        metadata: [("k".to_owned(), "v".to_owned())].into(),
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Some(Timestamp::UNIX_EPOCH),
        promised: ByteCount::ZERO,
        promised_moment: Moment::Past(0),
    }
}

fn attachment(state: AttachmentState) -> AttachmentRecord {
    let connector = json!({ "host": "compute-1" }).as_object().cloned().map(Connector);
    AttachmentRecord {
        id: Uuid::from_u128(4).into(),
        volume_id: Uuid::from_u128(1).into(),
        project_id: "demo".to_owned(),
        instance_id: Some("vm".to_owned()),
        state,
        mode: AccessMode::ReadWrite,
        connector,
        connection: None,
        mountpoint: Some("/dev/vdb".to_owned()),
        created_at: Timestamp::UNIX_EPOCH,
        attached_at: Some(Timestamp::UNIX_EPOCH),
    }
}

fn links() -> Links {
    Links::new(&HeaderMap::new(), &Uri::from_static("/v3/demo/volumes"), Some("demo"))
}

fn shown(minor: u16) -> String {
    let kind = TypeRecord {
        id: Uuid::from_u128(7).into(),
        name: "gold".to_owned(),
        description: None,
        is_public: true,
        extra_specs: [].into(),
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: None,
    };
    let settings = ApiSettings::new("node", "default");
    let shape = Shape { version: Microversion::minor(minor), links: &links(), settings: &settings, types: &[kind] };
    let attachments = [attachment(AttachmentState::Attached), attachment(AttachmentState::Reserved)];
    sorted(&detail(&volume(), attachments.iter(), &shape))
}

/// As JSON, its members in the order of the alphabet.
fn sorted(view: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(view).expect("JSON");
    serde_json::to_string_pretty(&value).expect("JSON")
}

#[test]
fn the_oldest_version_shows_the_documented_fields() {
    insta::assert_snapshot!(shown(0), @r##"
    {
      "attachments": [
        {
          "attached_at": "1970-01-01T00:00:00.000000",
          "attachment_id": "00000000-0000-0000-0000-000000000004",
          "device": "/dev/vdb",
          "host_name": "compute-1",
          "id": "00000000-0000-0000-0000-000000000001",
          "server_id": "vm",
          "volume_id": "00000000-0000-0000-0000-000000000001"
        }
      ],
      "availability_zone": "nova",
      "bootable": "true",
      "consistencygroup_id": null,
      "created_at": "1970-01-01T00:00:00.000000",
      "description": null,
      "encrypted": false,
      "id": "00000000-0000-0000-0000-000000000001",
      "links": [
        {
          "href": "http://localhost/v3/demo/volumes/00000000-0000-0000-0000-000000000001",
          "rel": "self"
        },
        {
          "href": "http://localhost/demo/volumes/00000000-0000-0000-0000-000000000001",
          "rel": "bookmark"
        }
      ],
      "metadata": {
        "k": "v"
      },
      "migration_status": null,
      "multiattach": false,
      "name": "root",
      "os-vol-host-attr:host": "node@fast#a",
      "os-vol-mig-status-attr:migstat": null,
      "os-vol-mig-status-attr:name_id": null,
      "os-vol-tenant-attr:tenant_id": "demo",
      "replication_status": null,
      "size": 2,
      "snapshot_id": "00000000-0000-0000-0000-000000000003",
      "source_volid": null,
      "status": "in-use",
      "updated_at": "1970-01-01T00:00:00.000000",
      "user_id": "ann",
      "volume_type": "gold"
    }
    "##);
}

#[test]
fn the_newest_version_shows_all() {
    insta::assert_snapshot!(shown(70), @r##"
    {
      "attachments": [
        {
          "attached_at": "1970-01-01T00:00:00.000000",
          "attachment_id": "00000000-0000-0000-0000-000000000004",
          "device": "/dev/vdb",
          "host_name": "compute-1",
          "id": "00000000-0000-0000-0000-000000000001",
          "server_id": "vm",
          "volume_id": "00000000-0000-0000-0000-000000000001"
        }
      ],
      "availability_zone": "nova",
      "bootable": "true",
      "cluster_name": null,
      "consistencygroup_id": null,
      "consumes_quota": true,
      "created_at": "1970-01-01T00:00:00.000000",
      "description": null,
      "encrypted": false,
      "group_id": null,
      "id": "00000000-0000-0000-0000-000000000001",
      "links": [
        {
          "href": "http://localhost/v3/demo/volumes/00000000-0000-0000-0000-000000000001",
          "rel": "self"
        },
        {
          "href": "http://localhost/demo/volumes/00000000-0000-0000-0000-000000000001",
          "rel": "bookmark"
        }
      ],
      "metadata": {
        "k": "v"
      },
      "migration_status": null,
      "multiattach": false,
      "name": "root",
      "os-vol-host-attr:host": "node@fast#a",
      "os-vol-mig-status-attr:migstat": null,
      "os-vol-mig-status-attr:name_id": null,
      "os-vol-tenant-attr:tenant_id": "demo",
      "provider_id": null,
      "replication_status": null,
      "service_uuid": null,
      "shared_targets": false,
      "size": 2,
      "snapshot_id": "00000000-0000-0000-0000-000000000003",
      "source_volid": null,
      "status": "in-use",
      "updated_at": "1970-01-01T00:00:00.000000",
      "user_id": "ann",
      "volume_type": "gold",
      "volume_type_id": "00000000-0000-0000-0000-000000000007"
    }
    "##);
}

#[test]
fn a_short_list_shows_name_and_links() {
    insta::assert_snapshot!(sorted(&summary(&volume(), &links())), @r##"
    {
      "id": "00000000-0000-0000-0000-000000000001",
      "links": [
        {
          "href": "http://localhost/v3/demo/volumes/00000000-0000-0000-0000-000000000001",
          "rel": "self"
        },
        {
          "href": "http://localhost/demo/volumes/00000000-0000-0000-0000-000000000001",
          "rel": "bookmark"
        }
      ],
      "name": "root"
    }
    "##);
}
