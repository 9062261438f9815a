//! A volume as clients see it.

use ashlar_common::{
    driver::AccessMode,
    ids::{AttachmentId, ImageId, SnapshotId, TypeId, VolumeId},
    state::{AttachmentState, Status, attachment::Hold},
    store::records::{AttachmentRecord, Metadata, TypeRecord, VolumeRecord},
};
use serde::Serialize;

use crate::api::{
    call::Call,
    links::{Link, Links},
    microversion::{CONSUMES_QUOTA, Microversion, PROVIDER_ID, SHARED_TARGETS, TYPE_ID, VOLUME_CLUSTER, VOLUME_GROUP},
    state::ApiSettings,
    time,
};

/// What a view needs besides the record.
pub(crate) struct Shape<'a> {
    pub(crate) version: Microversion,
    pub(crate) links: &'a Links,
    pub(crate) settings: &'a ApiSettings,
    /// All types there are, for the name of the volume's.
    pub(crate) types: &'a [TypeRecord],
}

impl<'a> Shape<'a> {
    pub(crate) fn new(call: &'a Call, settings: &'a ApiSettings, types: &'a [TypeRecord]) -> Self {
        Self { version: call.version, links: &call.links, settings, types }
    }
}

/// The entry of a short list.
#[derive(Serialize)]
pub(crate) struct Summary<'a> {
    id: VolumeId,
    name: Option<&'a str>,
    links: Vec<Link>,
}

/// A volume, field by field. Written straight from the record: lists have a thousand of them.
///
/// What `Option` of `Option` is, is left out where the version does not have it, and null where there is nothing.
#[derive(Serialize)]
pub(crate) struct View<'a> {
    id: VolumeId,
    name: Option<&'a str>,
    description: Option<&'a str>,
    status: Status,
    size: u64,
    availability_zone: &'a str,
    created_at: String,
    updated_at: Option<String>,
    attachments: Vec<Attached<'a>>,
    volume_type: Option<&'a str>,
    snapshot_id: Option<SnapshotId>,
    source_volid: Option<VolumeId>,
    metadata: &'a Metadata,
    links: Vec<Link>,
    user_id: &'a str,
    /// A text, as it always was.
    bootable: &'static str,
    encrypted: bool,
    replication_status: Absent,
    consistencygroup_id: Absent,
    migration_status: Absent,
    multiattach: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    volume_image_metadata: Option<ImageMetadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_id: Option<Absent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_id: Option<Absent>,
    /// Clients need not take turns: no two volumes share a target.
    #[serde(skip_serializing_if = "Option::is_none")]
    shared_targets: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_uuid: Option<Absent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster_name: Option<Absent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    volume_type_id: Option<Option<TypeId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumes_quota: Option<bool>,
    #[serde(rename = "os-vol-tenant-attr:tenant_id", skip_serializing_if = "Option::is_none")]
    tenant_id: Option<&'a str>,
    #[serde(rename = "os-vol-host-attr:host", skip_serializing_if = "Option::is_none")]
    host: Option<Option<String>>,
    #[serde(rename = "os-vol-mig-status-attr:migstat", skip_serializing_if = "Option::is_none")]
    migstat: Option<Absent>,
    #[serde(rename = "os-vol-mig-status-attr:name_id", skip_serializing_if = "Option::is_none")]
    name_id: Option<Absent>,
}

/// What this service never has: null.
type Absent = ();

#[derive(Serialize)]
struct ImageMetadata {
    image_id: ImageId,
}

/// An attachment within its volume.
#[derive(Serialize)]
struct Attached<'a> {
    /// Clients of old take the volume's id from here.
    id: VolumeId,
    attachment_id: AttachmentId,
    volume_id: VolumeId,
    server_id: Option<&'a str>,
    host_name: Option<&'a str>,
    device: Option<&'a str>,
    attached_at: Option<String>,
}

/// The entry of a short list.
pub(crate) fn summary<'a>(volume: &'a VolumeRecord, links: &Links) -> Summary<'a> {
    let links = links.of("volumes", &volume.id.to_string());
    Summary { id: volume.id, name: volume.name.as_deref(), links }
}

/// All of it, as show and the detailed list have it. `attachments` are those of this volume.
pub(crate) fn detail<'a>(
    volume: &'a VolumeRecord,
    attachments: impl Iterator<Item = &'a AttachmentRecord>,
    shape: &Shape<'a>,
) -> View<'a> {
    View {
        tenant_id: Some(&volume.project_id),
        host: Some(volume.place.as_ref().map(|place| shape.settings.place(place))),
        migstat: Some(()),
        name_id: Some(()),
        ..made(volume, attachments, shape)
    }
}

/// What create and update answer: all but where it is and whose.
pub(crate) fn made<'a>(
    volume: &'a VolumeRecord,
    attachments: impl Iterator<Item = &'a AttachmentRecord>,
    shape: &Shape<'a>,
) -> View<'a> {
    let kind = volume.type_id.and_then(|id| shape.types.iter().find(|kind| kind.id == id));
    let since = |what| shape.version.has(what).then_some(());
    View {
        id: volume.id,
        name: volume.name.as_deref(),
        description: volume.description.as_deref(),
        status: volume.status,
        size: volume.size.gib_ceil(),
        availability_zone: &volume.availability_zone,
        created_at: time::text(volume.created_at),
        updated_at: volume.updated_at.map(time::text),
        attachments: attachments.filter(|attachment| is_attached(&attachment.state)).map(attached).collect(),
        volume_type: kind.map(|kind| kind.name.as_str()),
        snapshot_id: volume.source_snapshot_id,
        source_volid: volume.source_volume_id,
        metadata: &volume.metadata,
        links: shape.links.of("volumes", &volume.id.to_string()),
        user_id: &volume.user_id,
        bootable: if volume.bootable { "true" } else { "false" },
        encrypted: false,
        replication_status: (),
        consistencygroup_id: (),
        migration_status: (),
        multiattach: volume.multi_attach,
        volume_image_metadata: volume.image_id.map(|image_id| ImageMetadata { image_id }),
        group_id: since(VOLUME_GROUP),
        provider_id: since(PROVIDER_ID),
        shared_targets: since(SHARED_TARGETS).map(|()| false),
        service_uuid: since(SHARED_TARGETS),
        cluster_name: since(VOLUME_CLUSTER),
        volume_type_id: since(TYPE_ID).map(|()| volume.type_id),
        consumes_quota: since(CONSUMES_QUOTA).map(|()| true),
        tenant_id: None,
        host: None,
        migstat: None,
        name_id: None,
    }
}

/// Whether the client said that it is connected, and has not left yet.
fn is_attached(state: &AttachmentState) -> bool {
    matches!(
        state,
        AttachmentState::Attached
            | AttachmentState::Leaving
            | AttachmentState::Removing(_, Hold::Attached | Hold::Leaving)
            | AttachmentState::Failed(Hold::Attached | Hold::Leaving | Hold::ErrorDetaching)
    )
}

fn attached(attachment: &AttachmentRecord) -> Attached<'_> {
    let connector = attachment.connector.as_ref();
    Attached {
        id: attachment.volume_id,
        attachment_id: attachment.id,
        volume_id: attachment.volume_id,
        server_id: attachment.instance_id.as_deref(),
        host_name: connector.and_then(|connector| connector.host()),
        // Newer clients say the mountpoint in the connector.
        device: attachment.mountpoint.as_deref().or_else(|| connector?.text("mountpoint")),
        attached_at: attachment.attached_at.map(time::text),
    }
}

/// `rw` or `ro`.
pub(crate) fn mode(mode: AccessMode) -> &'static str {
    match mode {
        AccessMode::ReadWrite => "rw",
        AccessMode::ReadOnly => "ro",
    }
}

#[cfg(test)]
mod tests;
