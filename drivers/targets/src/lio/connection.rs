//! What an iSCSI client is told, in os-brick's words.

use std::net::SocketAddr;

use ashlar_common::driver::{AccessMode, ConnectionInfo};
use serde_json::{Map, Value, json};

use crate::export::Export;

/// The logical unit's number, at each portal.
const LUN: u64 = 0;

pub(super) fn of(export: &Export, target: &str, portals: &[SocketAddr]) -> ConnectionInfo {
    let mut data = Map::new();
    let mut tell = |key: &str, value: Value| data.insert(key.to_owned(), value);
    tell("target_discovered", json!(false));
    tell("target_portal", json!(portals.first().map(ToString::to_string)));
    tell("target_iqn", json!(target));
    tell("target_lun", json!(LUN));
    if portals.len() > 1 {
        tell("target_portals", portals.iter().map(ToString::to_string).collect());
        tell("target_iqns", vec![target; portals.len()].into());
        tell("target_luns", vec![LUN; portals.len()].into());
    }
    if let Some(credentials) = &export.credentials {
        tell("auth_method", json!("CHAP"));
        tell("auth_username", json!(credentials.user));
        tell("auth_password", json!(credentials.secret.reveal()));
    }
    tell("volume_id", json!(export.volume));
    tell("access_mode", json!(if export.mode == AccessMode::ReadOnly { "ro" } else { "rw" }));
    tell("discard", json!(export.discard));
    tell("encrypted", json!(false));
    tell("qos_specs", Value::Null);
    ConnectionInfo { driver_volume_type: "iscsi".to_owned(), data }
}
