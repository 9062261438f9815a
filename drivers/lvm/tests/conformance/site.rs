//! A volume group of the lab with a host, and what really lies there.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use ashlar_common::{
    driver::{AccessMode, ConnectionInfo, Connector},
    ids::{BackendName, PoolName},
};
use ashlar_conformance::{
    outcome::{Held, Stop},
    program,
    subject::{Disk, Host, Outage, Site, Slowness, ThinMetadata},
};
use ashlar_lab::lvm::{Shape, ThinPool, VolumeGroup};
use async_trait::async_trait;
use tempfile::TempDir;

use crate::{
    Lvm, Protocol,
    disk::{Clients, connectors},
    faults::Faults,
};

/// What cases can fill. Small extents, since volumes of the suite are small.
const ROOM_MIB: u64 = 128;
const EXTENT_KIB: u64 = 64;
/// For LVM's own metadata, and that of the thin pool.
const MORE_MIB: u64 = 16;
/// The least that LVM makes.
const METADATA_KIB: u64 = 2048;
const SECTOR: u64 = 512;

/// One volume group, and the file that tells a host of it.
pub(crate) struct LvmSite {
    config: PathBuf,
    backend: BackendName,
    pool: PoolName,
    room: u64,
    clients: Clients,
    faults: Faults,
    thin: bool,
    /// Configuration and state.
    _folder: TempDir,
}

impl LvmSite {
    /// Finds or makes the volume group of the subject.
    pub(crate) async fn raise(subject: Lvm) -> Held<Self> {
        let thin = subject.thin.then_some(ThinPool { size_mib: ROOM_MIB, metadata_kib: METADATA_KIB });
        let shape = Shape { size_mib: ROOM_MIB + MORE_MIB, extent_kib: EXTENT_KIB, thin };
        let group = tokio::task::spawn_blocking(move || VolumeGroup::standing(&shape)).await.map_err(Stop::failed)?;
        let group = group.map_err(|error| {
            Stop::NotRun(format!("the lab `lvm` is needed (`cargo xtask test driver-lvm` raises it): {error}"))
        })?;
        let folder = tempfile::tempdir().map_err(Stop::failed)?;
        let config = folder.path().join("ashlar.toml");
        let portals = match subject.protocol {
            Protocol::Iscsi => "portals = [\"127.0.0.1:3260\"]\n",
            Protocol::Local => "",
        };
        let text = format!(
            "state_directory = {:?}\n[backends.lvm]\ndriver = \"lvm\"\n[backends.lvm.options]\nvolume_group = {:?}\n\
             provisioning = {:?}\nreserved_percentage = 0\nmulti_attach = {}\nstate_path = {:?}\n\
             [backends.lvm.options.target]\nprotocol = {:?}\n{portals}",
            folder.path().join("state"),
            group.name(),
            subject.kind(),
            subject.multi_attach,
            folder.path().join("driver"),
            subject.protocol.name(),
        );
        fs::write(&config, text).map_err(Stop::failed)?;
        let (backend, pool) = ("lvm".parse().map_err(Stop::failed)?, "pool".parse().map_err(Stop::failed)?);
        let (room, faults) = (group.room(), Faults(Arc::new(group)));
        let (clients, thin) = (Clients::default(), subject.thin);
        Ok(Self { config, backend, pool, room, clients, faults, thin, _folder: folder })
    }

    async fn ask(
        &self,
        question: impl FnOnce(&VolumeGroup) -> ashlar_lab::Result<Vec<String>> + Send + 'static,
    ) -> io::Result<Vec<String>> {
        let group = Arc::clone(&self.faults.0);
        let answer = tokio::task::spawn_blocking(move || question(&group)).await.map_err(io::Error::other)?;
        answer.map_err(io::Error::other)
    }
}

#[async_trait]
impl Site for LvmSite {
    fn pool(&self) -> PoolName {
        self.pool.clone()
    }

    fn room(&self) -> u64 {
        self.room
    }

    fn unit(&self) -> u64 {
        SECTOR
    }

    /// The driver's own program, so that a kill is a kill.
    async fn start(&self) -> Held<Host> {
        program::start(Path::new(env!("CARGO_BIN_EXE_ashlar-driver-lvm")), &self.config, &self.backend).await
    }

    fn connector(&self) -> Connector {
        connectors().properties().expect("this machine says who it is")
    }

    async fn connect(&self, connection: &ConnectionInfo, mode: AccessMode) -> io::Result<Box<dyn Disk>> {
        self.clients.open(connection, mode).await
    }

    async fn exports(&self) -> io::Result<Vec<String>> {
        self.ask(|group| {
            let mut exports = group.stacked()?;
            // Stays until the last program closes it, and answers every request with an error.
            exports.retain(|name| !name.ends_with(".gone"));
            exports.extend(group.targets()?);
            Ok(exports)
        })
        .await
    }

    /// Volumes and snapshots that are whole are the suite's to ask for.
    async fn residue(&self) -> io::Result<Vec<String>> {
        let whole = |name: &String| name.starts_with("volume-") || name.starts_with("snap-");
        self.ask(move |group| Ok(group.volumes()?.into_iter().filter(|name| !whole(name)).collect())).await
    }

    fn outage(&self) -> Option<&dyn Outage> {
        Some(&self.faults)
    }

    /// Of a thin pool, the kernel itself tells nothing while it writes the pool's metadata: there, statistics are asked
    /// for beside large copies.
    fn slowness(&self) -> Option<&dyn Slowness> {
        (!self.thin).then_some(&self.faults as &dyn Slowness)
    }

    fn thin_metadata(&self) -> Option<&dyn ThinMetadata> {
        self.thin.then_some(&self.faults as &dyn ThinMetadata)
    }
}
