use ashlar_common::{
    driver::{AccessMode, Connector},
    ids::VolumeId,
    state::{AttachmentState, Status, VolumeState},
    store::records::{AttachmentRecord, Place, TypeRecord, VolumeRecord},
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
        promised_at: Timestamp::UNIX_EPOCH,
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
    serde_json::to_string_pretty(&detail(&volume(), attachments.iter(), &shape)).expect("JSON")
}

#[test]
fn the_oldest_version_shows_the_documented_fields() {
    insta::assert_snapshot!(shown(0), @"");
}

#[test]
fn the_newest_version_shows_all() {
    insta::assert_snapshot!(shown(70), @"");
}

#[test]
fn a_short_list_shows_name_and_links() {
    insta::assert_snapshot!(serde_json::to_string_pretty(&summary(&volume(), &links())).expect("JSON"), @"");
}
