//! The target portal group of an export: who may log in, where, and what they see.

use std::net::SocketAddr;

use ashlar_common::driver::AccessMode;

use super::store::{Store, flag};
use crate::{configfs::Node, error::Error, export::Export};

/// The one logical unit of each target.
const LUN: &str = "lun_0";
/// What a client may send in one piece. LIO's own 8 KiB makes large writes slow; this is its largest burst.
const RECEIVED_BYTES: &str = "262144";

#[derive(Debug)]
pub(super) struct Tpg(Node);

impl Tpg {
    pub(super) fn of(target: &Node) -> Result<Self, Error> {
        Ok(Self(target.child("tpgt_1")?))
    }

    /// Enabled last: until then nobody can log in to what is half made.
    pub(super) fn ensure(&self, export: &Export, portals: &[SocketAddr], store: &Store) -> Result<bool, Error> {
        let mut changed = self.0.make()?;
        changed |= self.ensure_attributes(export)?;
        let lun = self.0.below(&["lun", LUN])?;
        changed |= lun.make()?;
        changed |= lun.link_only(store.name(), store.node())?;
        changed |= self.ensure_portals(portals)?;
        changed |= self.ensure_client(export, store.name(), &lun)?;
        changed |= self.0.set("enable", "1")?;
        Ok(changed)
    }

    fn ensure_attributes(&self, export: &Export) -> Result<bool, Error> {
        let attributes = self.0.child("attrib")?;
        let wanted = [
            ("authentication", flag(export.credentials.is_some())),
            // Whoever has no entry of their own gets nothing: no login, no name of a target, and no write.
            ("generate_node_acls", "0"),
            ("cache_dynamic_acls", "0"),
            ("demo_mode_discovery", "0"),
            ("demo_mode_write_protect", "1"),
            // What a new entry begins with.
            ("prod_mode_write_protect", flag(export.mode == AccessMode::ReadOnly)),
        ];
        let mut changed = false;
        for (attribute, value) in wanted {
            changed |= attributes.set(attribute, value)?;
        }
        changed |= self.0.child("param")?.set("MaxRecvDataSegmentLength", RECEIVED_BYTES)?;
        Ok(changed)
    }

    fn ensure_portals(&self, portals: &[SocketAddr]) -> Result<bool, Error> {
        let directory = self.0.child("np")?;
        let wanted: Vec<String> = portals.iter().map(ToString::to_string).collect();
        let mut changed = false;
        for portal in directory.directories()?.iter().filter(|portal| !wanted.contains(portal)) {
            changed |= directory.child(portal)?.remove()?;
        }
        for portal in &wanted {
            changed |= directory.child(portal)?.make()?;
        }
        Ok(changed)
    }

    fn ensure_client(&self, export: &Export, link: &str, lun: &Node) -> Result<bool, Error> {
        let clients = self.0.child("acls")?;
        let mut changed = false;
        for other in clients.directories()?.iter().filter(|client| *client != export.client.as_str()) {
            changed |= remove_client(&clients.child(other)?)?;
        }
        let client = clients.child(export.client.as_str())?;
        changed |= client.make()?;
        if let Some(credentials) = &export.credentials {
            let auth = client.child("auth")?;
            changed |= auth.set("userid", &credentials.user)?;
            changed |= auth.set("password", credentials.secret.reveal())?;
        }
        let seen = client.child(LUN)?;
        changed |= seen.make()?;
        changed |= seen.link_only(link, lun)?;
        changed |= seen.set("write_protect", flag(export.mode == AccessMode::ReadOnly))?;
        Ok(changed)
    }

    /// Takes it all away, sessions first.
    pub(super) fn remove(&self) -> Result<bool, Error> {
        if !self.0.exists()? {
            return Ok(false);
        }
        self.0.set("enable", "0")?;
        let clients = self.0.child("acls")?;
        for client in clients.directories()? {
            remove_client(&clients.child(&client)?)?;
        }
        let luns = self.0.child("lun")?;
        for lun in luns.directories()? {
            let lun = luns.child(&lun)?;
            lun.unlink_all()?;
            lun.remove()?;
        }
        let portals = self.0.child("np")?;
        for portal in portals.directories()? {
            portals.child(&portal)?.remove()?;
        }
        self.0.remove()
    }
}

fn remove_client(client: &Node) -> Result<bool, Error> {
    for seen in client.directories()?.iter().filter(|name| name.starts_with("lun_")) {
        let seen = client.child(seen)?;
        seen.unlink_all()?;
        seen.remove()?;
    }
    client.remove()
}
