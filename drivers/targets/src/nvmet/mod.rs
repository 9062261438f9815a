//! NVMe over TCP by nvmet, the kernel's own target.
//!
//! In configfs, below `nvmet/`: a subsystem an attachment, with the device as namespace 1 and one host that may connect, and
//! a port for each address, which all subsystems share.
//!
//! **Not met by a real kernel**: the lab's has no nvmet. What is tested is the plan of steps and their order. There is no
//! DH-HMAC-CHAP: nvmet has the key with the host, not with the subsystem, so that attachments of one client
//! could not have keys of their own; a client is known by its host NQN alone. Nor is there a read-only namespace.

mod connection;
mod plan;
mod port;

use std::{net::SocketAddr, path::Path};

use ashlar_common::driver::{AccessMode, ConnectionInfo};

use crate::{
    configfs::Node,
    error::Error,
    export::{Export, ExportName},
    naming::Naming,
    target::Target,
};

/// The NVMe subsystems of one backend.
#[derive(Clone, Debug)]
pub struct Nvmet {
    root: Node,
    naming: Naming,
    portals: Vec<SocketAddr>,
}

impl Nvmet {
    /// Subsystems called by `naming` (with a prefix `nqn.`), reached at `portals`. `configfs` is where that is mounted.
    ///
    /// # Errors
    /// [`Error::BadName`] for a root that is not absolute; [`Error::Unsupported`] without portals.
    pub fn new(configfs: &Path, naming: Naming, portals: Vec<SocketAddr>) -> Result<Self, Error> {
        if portals.is_empty() {
            let what = "a target needs at least one portal: the address that clients connect to";
            return Err(Error::Unsupported { what });
        }
        Ok(Self { root: Node::root(configfs)?.child("nvmet")?, naming, portals })
    }

    fn namespace_differs(&self, subsystem: &Node, export: &Export) -> Result<bool, Error> {
        let namespace = subsystem.below(&["namespaces", plan::NAMESPACE])?;
        if namespace.read("enable")?.as_deref() != Some("1") {
            return Ok(false);
        }
        let device = export.device.to_str();
        let volume = export.volume.to_string();
        Ok(namespace.read("device_path")?.as_deref() != device
            || namespace.read("device_uuid")?.as_deref() != Some(volume.as_str()))
    }
}

impl Target for Nvmet {
    fn available(&self) -> Result<(), Error> {
        let fix = "mount configfs there and load the modules nvmet and nvmet-tcp, or use iscsi";
        self.root.offered("NVMe targets (nvmet)", fix)
    }

    fn ensure(&self, export: &Export) -> Result<bool, Error> {
        self.available()?;
        if export.mode == AccessMode::ReadOnly {
            return Err(Error::Unsupported {
                what: "nvmet has no read-only namespaces: attach for writing, or use iscsi",
            });
        }
        if export.credentials.is_some() {
            return Err(Error::Unsupported {
                what: "keys for NVMe belong to a host, not to an attachment: none is taken",
            });
        }
        let nqn = self.naming.target(export.name);
        let subsystem = self.root.below(&["subsystems", &nqn])?;
        // A namespace that is in use cannot be changed.
        let mut changed = if self.namespace_differs(&subsystem, export)? { self.withdraw(export.name)? } else { false };
        let mut ports = Vec::new();
        for portal in &self.portals {
            ports.push(port::ensure(&self.root.child("ports")?, *portal)?);
        }
        let hosts = subsystem.child("allowed_hosts")?;
        for (other, _) in hosts.links()?.iter().filter(|(host, _)| host != export.client.as_str()) {
            changed |= hosts.unlink(other)?;
        }
        for step in plan::ensure(export, &nqn, &ports)? {
            changed |= step.take(&self.root)?;
        }
        Ok(changed)
    }

    fn withdraw(&self, name: ExportName) -> Result<bool, Error> {
        let nqn = self.naming.target(name);
        let subsystem = self.root.below(&["subsystems", &nqn])?;
        let ports = self.root.child("ports")?.directories()?;
        let clients =
            subsystem.child("allowed_hosts")?.links()?.into_iter().map(|(client, _)| client).collect::<Vec<_>>();
        let there = subsystem.exists()?;
        let mut changed = false;
        for step in plan::withdraw(&nqn, &ports, &clients, there) {
            changed |= step.take(&self.root)?;
        }
        for client in &clients {
            // Other attachments of the client still use it, or this was the last.
            self.root.below(&["hosts", client])?.remove_unused()?;
        }
        port::remove_unused(&self.root.child("ports")?)?;
        Ok(changed)
    }

    fn list(&self) -> Result<Vec<ExportName>, Error> {
        let subsystems = self.root.child("subsystems")?.directories()?;
        let mut found: Vec<_> = subsystems.iter().filter_map(|nqn| self.naming.export_of_target(nqn)).collect();
        found.sort();
        Ok(found)
    }

    fn connection(&self, export: &Export) -> ConnectionInfo {
        connection::of(export, &self.naming.target(export.name), &self.portals)
    }
}
