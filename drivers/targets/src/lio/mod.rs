//! iSCSI by LIO, the kernel's own target.
//!
//! In configfs, below `target/`:
//! ```text
//! core/iblock_<n>/<store>            the device
//! iscsi/<iqn>/tpgt_1                 the target: attrib/, param/, enable
//!               /np/<address:port>   where it listens
//!               /lun/lun_0/<link>    -> the device
//!               /acls/<initiator>    who may log in: auth/
//!                     /lun_0/<link>  -> tpgt_1/lun/lun_0
//! ```
//! Met on Linux 6.1. What is written is read back first, so that a repeat changes nothing.

mod connection;
mod store;
mod tpg;

use std::{collections::BTreeSet, net::SocketAddr, path::Path};

use ashlar_common::driver::ConnectionInfo;

use self::{
    store::{State, Store},
    tpg::Tpg,
};
use crate::{
    configfs::Node,
    error::Error,
    export::{Export, ExportName},
    naming::Naming,
    target::Target,
};

/// The iSCSI targets of one backend.
#[derive(Clone, Debug)]
pub struct Lio {
    root: Node,
    naming: Naming,
    portals: Vec<SocketAddr>,
}

impl Lio {
    /// Targets called by `naming`, which listen at `portals`. `configfs` is where that is mounted:
    /// `/sys/kernel/config`.
    ///
    /// # Errors
    /// [`Error::BadName`] for a root that is not absolute; [`Error::Unsupported`] without portals, or with one that clients
    /// cannot be told.
    pub fn new(configfs: &Path, naming: Naming, portals: Vec<SocketAddr>) -> Result<Self, Error> {
        if portals.is_empty() {
            return Err(Error::Unsupported {
                what: "a target needs at least one portal: the address that clients connect to",
            });
        }
        if portals.iter().any(|portal| portal.ip().is_unspecified() || portal.port() == 0) {
            let what = "a portal is what clients connect to: give an address of this machine and a port, not 0.0.0.0, [::] or port 0";
            return Err(Error::Unsupported { what });
        }
        Ok(Self { root: Node::root(configfs)?.child("target")?, naming, portals })
    }

    fn store(&self, name: ExportName) -> Result<Store, Error> {
        Store::of(&self.root.child("core")?, &self.naming, name)
    }

    fn target(&self, name: ExportName) -> Result<Node, Error> {
        self.root.below(&["iscsi", &self.naming.target(name)])
    }
}

impl Target for Lio {
    fn available(&self) -> Result<(), Error> {
        let fix = "mount configfs there and load the modules target_core_mod, target_core_iblock and iscsi_target_mod";
        self.root.offered("iSCSI targets (LIO)", fix)
    }

    fn ensure(&self, export: &Export) -> Result<bool, Error> {
        self.available()?;
        let store = self.store(export.name)?;
        // A device cannot be exchanged under clients: what shows another one is taken down with them.
        let mut changed = match store.state(export)? {
            State::Other => self.withdraw(export.name)?,
            State::Absent | State::AsAsked => false,
        };
        changed |= store.ensure(export)?;
        self.root.child("iscsi")?.make()?;
        let target = self.target(export.name)?;
        changed |= target.make()?;
        changed |= Tpg::of(&target)?.ensure(export, &self.portals, &store)?;
        Ok(changed)
    }

    fn withdraw(&self, name: ExportName) -> Result<bool, Error> {
        let target = self.target(name)?;
        let mut changed = false;
        if target.exists()? {
            Tpg::of(&target)?.remove()?;
            changed |= target.remove()?;
        }
        changed |= self.store(name)?.remove()?;
        Ok(changed)
    }

    fn list(&self) -> Result<Vec<ExportName>, Error> {
        let targets = self.root.child("iscsi")?.directories()?;
        let targets = targets.iter().filter_map(|target| self.naming.export_of_target(target));
        let stores = store::list(&self.root.child("core")?, &self.naming)?;
        let all: BTreeSet<_> = targets.chain(stores).collect();
        Ok(all.into_iter().collect())
    }

    fn connection(&self, export: &Export) -> ConnectionInfo {
        connection::of(export, &self.naming.target(export.name), &self.portals)
    }
}
