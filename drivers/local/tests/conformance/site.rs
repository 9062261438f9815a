//! A store on a file system of its own, and what really lies there.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use ashlar_common::{
    driver::{AccessMode, ConnectionInfo},
    ids::{BackendName, PoolName},
};
use ashlar_conformance::{
    client,
    lab::Lab,
    outcome::{Held, Stop},
    program,
    subject::{Disk, Host, Site},
};
use ashlar_driver_local::config::Provisioning;
use async_trait::async_trait;

use crate::Local;

/// What the driver makes in its directory.
const OURS: [&str; 4] = ["attachments", "snapshots", "tmp", "volumes"];
/// What `mkfs.ext4` makes in every file system.
const FOREIGN: &str = "lost+found";

/// One store, and the file that tells a host of it.
#[derive(Debug)]
pub(crate) struct LocalSite {
    config: PathBuf,
    backend: BackendName,
    pool: PoolName,
    room: u64,
    /// Last, so that nothing in it is in use when it goes.
    lab: Lab,
}

impl LocalSite {
    /// Mounts the file system of the subject.
    pub(crate) async fn raise(subject: Local) -> Held<Self> {
        let lab = Lab::new(Some(subject.file_system)).await?;
        let config = lab.beside("ashlar.toml");
        let provisioning = match subject.provisioning {
            Provisioning::Thin => "thin",
            Provisioning::Thick => "thick",
        };
        let text = format!(
            "state_directory = {:?}\n[backends.local]\ndriver = \"local\"\n[backends.local.options]\npath = {:?}\n\
             provisioning = {provisioning:?}\nreserved_percentage = 0\nmulti_attach = {}\npool = \"pool\"\n",
            lab.beside("state"),
            lab.path(),
            subject.multi_attach,
        );
        fs::write(&config, text).map_err(Stop::failed)?;
        let (backend, pool) = ("local".parse().map_err(Stop::failed)?, "pool".parse().map_err(Stop::failed)?);
        Ok(Self { config, backend, pool, room: subject.file_system.bytes(), lab })
    }

    fn root(&self) -> PathBuf {
        self.lab.path()
    }
}

#[async_trait]
impl Site for LocalSite {
    fn pool(&self) -> PoolName {
        self.pool.clone()
    }

    fn room(&self) -> u64 {
        self.room
    }

    /// The driver's own program, so that a kill is a kill.
    async fn start(&self) -> Held<Host> {
        program::start(Path::new(env!("CARGO_BIN_EXE_ashlar-driver-local")), &self.config, &self.backend).await
    }

    async fn connect(&self, connection: &ConnectionInfo, mode: AccessMode) -> io::Result<Box<dyn Disk>> {
        let path = connection.data.get("device_path").and_then(serde_json::Value::as_str);
        let path = path.ok_or_else(|| io::Error::other("the connection has no `device_path`"))?;
        Ok(Box::new(client::open(Path::new(path), mode)?))
    }

    async fn exports(&self) -> io::Result<Vec<String>> {
        let mut exports = Vec::new();
        for volume in names(&self.root().join("attachments"))? {
            exports.extend(names(&self.root().join("attachments").join(volume))?);
        }
        Ok(exports)
    }

    /// btrfs counts what was removed as free when it has committed, which takes its time on a busy disk.
    fn settles_within(&self) -> Duration {
        Duration::from_secs(90)
    }

    async fn residue(&self) -> io::Result<Vec<String>> {
        let root = self.root();
        let mut found = names(&root)?;
        found.retain(|name| name != FOREIGN && !OURS.contains(&name.as_str()));
        let staged = names(&root.join("tmp"))?;
        found.extend(staged.into_iter().map(|name| format!("tmp/{name}")));
        for kind in ["volumes", "snapshots"] {
            for name in names(&root.join(kind))? {
                if names(&root.join(kind).join(&name))? != ["data", "record"] {
                    found.push(format!("{kind}/{name}"));
                }
            }
        }
        for volume in names(&root.join("attachments"))? {
            let gone = !root.join(format!("volumes/volume-{volume}")).exists();
            if gone || names(&root.join("attachments").join(&volume))?.is_empty() {
                found.push(format!("attachments/{volume}"));
            }
        }
        Ok(found)
    }
}

/// What a directory holds, in order; nothing while there is no such directory.
fn names(directory: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let name = |entry: io::Result<fs::DirEntry>| entry.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<_> = entries.map(name).collect::<io::Result<_>>()?;
    names.sort();
    Ok(names)
}
