//! A volume as clients see it.

use ashlar_common::{
    driver::AccessMode,
    state::{AttachmentState, attachment::Hold},
    store::records::{AttachmentRecord, TypeRecord, VolumeRecord},
};
use serde_json::{Value, json};

use crate::api::{
    call::Call,
    links::Links,
    microversion::{
        self, CONSUMES_QUOTA, Microversion, PROVIDER_ID, SHARED_TARGETS, TYPE_ID, VOLUME_CLUSTER, VOLUME_GROUP,
    },
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

    fn since(&self, what: microversion::Since) -> bool {
        self.version.has(what)
    }
}

/// The entry of a short list.
pub(crate) fn summary(volume: &VolumeRecord, links: &Links) -> Value {
    json!({
        "id": volume.id.to_string(),
        "name": volume.name,
        "links": links.of("volumes", &volume.id.to_string()),
    })
}

/// All of it, as show and the detailed list have it. `attachments` are those of this volume.
pub(crate) fn detail<'a>(
    volume: &VolumeRecord,
    attachments: impl Iterator<Item = &'a AttachmentRecord>,
    shape: &Shape<'_>,
) -> Value {
    let mut view = made(volume, attachments, shape);
    view["os-vol-tenant-attr:tenant_id"] = json!(volume.project_id);
    view["os-vol-host-attr:host"] = json!(volume.place.as_ref().map(|place| shape.settings.place(place)));
    view["os-vol-mig-status-attr:migstat"] = Value::Null;
    view["os-vol-mig-status-attr:name_id"] = Value::Null;
    view
}

/// What create and update answer: all but where it is and whose.
pub(crate) fn made<'a>(
    volume: &VolumeRecord,
    attachments: impl Iterator<Item = &'a AttachmentRecord>,
    shape: &Shape<'_>,
) -> Value {
    let id = volume.id.to_string();
    let type_name = volume.type_id.and_then(|id| shape.types.iter().find(|kind| kind.id == id)).map(|kind| &kind.name);
    let mut view = json!({
        "id": id,
        "name": volume.name,
        "description": volume.description,
        "status": volume.status.as_str(),
        "size": volume.size.gib_ceil(),
        "availability_zone": volume.availability_zone,
        "created_at": time::text(volume.created_at),
        "updated_at": time::value(volume.updated_at),
        "attachments": attachments.filter(|attachment| is_attached(&attachment.state)).map(attached).collect::<Vec<_>>(),
        "volume_type": type_name,
        "snapshot_id": volume.source_snapshot_id.map(|id| id.to_string()),
        "source_volid": volume.source_volume_id.map(|id| id.to_string()),
        "metadata": volume.metadata,
        "links": shape.links.of("volumes", &id),
        "user_id": volume.user_id,
        // A text, as it always was.
        "bootable": if volume.bootable { "true" } else { "false" },
        "encrypted": false,
        "replication_status": null,
        "consistencygroup_id": null,
        "migration_status": null,
        "multiattach": volume.multi_attach,
    });
    if let Some(image) = volume.image_id {
        view["volume_image_metadata"] = json!({ "image_id": image.to_string() });
    }
    if shape.since(VOLUME_GROUP) {
        view["group_id"] = Value::Null;
    }
    if shape.since(PROVIDER_ID) {
        view["provider_id"] = Value::Null;
    }
    if shape.since(SHARED_TARGETS) {
        // Clients need not take turns: no two volumes share a target.
        view["shared_targets"] = json!(false);
        view["service_uuid"] = Value::Null;
    }
    if shape.since(VOLUME_CLUSTER) {
        view["cluster_name"] = Value::Null;
    }
    if shape.since(TYPE_ID) {
        view["volume_type_id"] = json!(volume.type_id.map(|id| id.to_string()));
    }
    if shape.since(CONSUMES_QUOTA) {
        view["consumes_quota"] = json!(true);
    }
    view
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

fn attached(attachment: &AttachmentRecord) -> Value {
    let connector = attachment.connector.as_ref();
    // Newer clients say the mountpoint in the connector.
    let device = attachment.mountpoint.as_deref().or_else(|| connector?.text("mountpoint"));
    json!({
        // Clients of old take the volume's id from here.
        "id": attachment.volume_id.to_string(),
        "attachment_id": attachment.id.to_string(),
        "volume_id": attachment.volume_id.to_string(),
        "server_id": attachment.instance_id,
        "host_name": connector.and_then(|connector| connector.host()),
        "device": device,
        "attached_at": time::value(attachment.attached_at),
    })
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
