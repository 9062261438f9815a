//! How volumes are handed to clients, as configured.

use std::net::SocketAddr;

use ashlar_common::driver::AttachmentSpec;
use ashlar_targets::{ClientName, Credentials};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::way::Way;
use crate::error::Error;

/// Under which names of targets are unique in the world, unless the operator has a name of their own.
const PREFIX: &str = "iqn.2026-11.org.ashlar";

/// How volumes are handed to clients.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExportOptions {
    /// How clients reach their volumes.
    pub protocol: Protocol,
    /// For `iscsi` and `nvme`: where the targets listen, as `address:port` (IPv6 in brackets). What clients connect to, so that
    /// there is no default; several for several paths.
    #[schemars(with = "Vec<String>")]
    pub portals: Vec<SocketAddr>,
    /// What the names of targets start with: `iqn.`, and for `nvme` `nqn.` in its place. Attachments keep the one
    /// that they were made with.
    pub prefix: String,
    /// For `iscsi`: whether clients must prove who they are by CHAP, with a secret that each attachment has of its own.
    pub chap: bool,
}

/// How clients reach their volumes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// From any machine, by the kernel's own target (LIO).
    #[default]
    Iscsi,
    /// From any machine by NVMe over TCP, where the kernel has nvmet. Clients are known by their host NQN alone, and
    /// none can be read-only. Not tried on a real kernel yet.
    Nvme,
    /// From this machine only, as a block device.
    Local,
}

impl Default for ExportOptions {
    fn default() -> Self {
        Self { protocol: Protocol::default(), portals: Vec::new(), prefix: PREFIX.to_owned(), chap: true }
    }
}

impl ExportOptions {
    /// Checks what can be checked without a client.
    pub(super) fn check(&self, vg: &str) -> Result<(), Error> {
        if self.protocol == Protocol::Iscsi && self.portals.is_empty() {
            let rule =
                "for iscsi it names where clients connect to, as [\"192.0.2.1:3260\"]; or set protocol = \"local\"";
            return Err(Error::Setting { key: "target.portals", value: "[]".to_owned(), rule });
        }
        match self.way(None) {
            Way::Local => Ok(()),
            way => way.target(vg)?.map_or(Ok(()), |target| target.available().map_err(Error::target)),
        }
    }

    /// How a new attachment is to be reached, and by which client.
    pub(super) fn way_for(&self, spec: &AttachmentSpec) -> Result<(Way, Option<String>), Error> {
        let (key, start) = match self.protocol {
            Protocol::Local => return Ok((Way::Local, None)),
            Protocol::Iscsi => ("initiator", ["iqn.", "eui.", "naa."].as_slice()),
            Protocol::Nvme => ("nqn", ["nqn."].as_slice()),
        };
        let name = spec.connector.text(key).filter(|name| start.iter().any(|start| name.starts_with(start)));
        let Some(name) = name else {
            let words = format!(
                "the connector names no `{key}` ({}..): a volume is exported to one client",
                start.join(".. or ")
            );
            return Err(Error::Invalid(words));
        };
        let client: ClientName = name.parse().map_err(Error::target)?;
        let draw = || Credentials::draw_chap().map_err(|error| Error::io("read /dev/urandom", error));
        let credentials = if self.chap { Some(draw()?) } else { None };
        Ok((self.way(credentials), Some(client.to_string())))
    }

    /// By what is configured now.
    pub(super) fn way(&self, credentials: Option<Credentials>) -> Way {
        match self.protocol {
            Protocol::Local => Way::Local,
            Protocol::Iscsi => Way::Iscsi { prefix: self.prefix.clone(), portals: self.portals.clone(), credentials },
            Protocol::Nvme => {
                Way::Nvme { prefix: self.prefix.replacen("iqn.", "nqn.", 1), portals: self.portals.clone() }
            }
        }
    }
}
