//! What an NVMe client is told, in os-brick's words.

use std::net::SocketAddr;

use ashlar_common::driver::{AccessMode, ConnectionInfo};
use serde_json::{Map, Value, json};

use crate::export::Export;

pub(super) fn of(export: &Export, nqn: &str, portals: &[SocketAddr]) -> ConnectionInfo {
    let mut data = Map::new();
    let mut tell = |key: &str, value: Value| data.insert(key.to_owned(), value);
    tell("target_nqn", json!(nqn));
    tell("host_nqn", json!(export.client.as_str()));
    tell("portals", portals.iter().map(|portal| json!([portal.ip(), portal.port(), "tcp"])).collect());
    tell("vol_uuid", json!(export.volume));
    tell("ns_id", json!(1));
    tell("volume_id", json!(export.volume));
    tell("access_mode", json!(if export.mode == AccessMode::ReadOnly { "ro" } else { "rw" }));
    tell("discard", json!(export.discard));
    tell("encrypted", json!(false));
    tell("qos_specs", Value::Null);
    ConnectionInfo { driver_volume_type: "nvmeof".to_owned(), data }
}
