//! A volume group on a loop device, and what really lies there.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use ashlar_common::{
    driver::{AccessMode, ConnectionInfo, OpCtx},
    exec::Program,
    ids::{BackendName, OpId, PoolName},
};
use ashlar_conformance::{
    client,
    lab::Lab,
    outcome::{Held, Stop},
    program,
    subject::{Disk, Host, Site},
};
use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::Lvm;

const MIB: u64 = 1 << 20;
/// The loop device's size.
const DISK: u64 = 384 * MIB;
/// Names that a whole volume or snapshot has.
const WHOLE: [&str; 2] = ["volume-", "snap-"];

/// One volume group, and the file that tells a host of it.
#[derive(Debug)]
pub(crate) struct LvmSite {
    config: PathBuf,
    backend: BackendName,
    pool: PoolName,
    /// Before the lab, which holds its file.
    group: Group,
    lab: Lab,
}

/// A volume group on one loop device; gone when dropped.
#[derive(Debug)]
struct Group {
    name: String,
    device: String,
}

impl LvmSite {
    pub(crate) async fn raise(subject: Lvm) -> Held<Self> {
        let lab = Lab::new(None).await?;
        let group = Group::make(&lab.beside("disk")).await?;
        let config = lab.beside("ashlar.toml");
        let text = format!(
            "state_directory = {:?}\n[backends.lvm]\ndriver = \"lvm\"\n[backends.lvm.options]\nvolume_group = {:?}\n\
             state_path = {:?}\nprovisioning = {:?}\nmulti_attach = {}\npool = \"pool\"\n",
            lab.beside("state"),
            group.name,
            lab.beside("lvm"),
            if subject.is_thin() { "thin" } else { "thick" },
            subject.multi_attach,
        );
        fs::write(&config, text).map_err(Stop::failed)?;
        let (backend, pool) = ("lvm".parse().map_err(Stop::failed)?, "pool".parse().map_err(Stop::failed)?);
        Ok(Self { config, backend, pool, group, lab })
    }

    async fn names(&self) -> io::Result<Vec<String>> {
        let words = ["lvs", "--noheadings", "--options", "lv_name", &self.group.name];
        let report = run("lvm", words.map(str::to_owned)).await.map_err(io::Error::other)?;
        Ok(report.lines().map(|line| line.trim().to_owned()).filter(|name| !name.is_empty()).collect())
    }
}

#[async_trait]
impl Site for LvmSite {
    fn pool(&self) -> PoolName {
        self.pool.clone()
    }

    fn room(&self) -> u64 {
        DISK
    }

    /// The driver's own program, so that a kill is a kill.
    async fn start(&self) -> Held<Host> {
        program::start(Path::new(env!("CARGO_BIN_EXE_ashlar-driver-lvm")), &self.config, &self.backend).await
    }

    async fn connect(&self, connection: &ConnectionInfo, mode: AccessMode) -> io::Result<Box<dyn Disk>> {
        let path = connection.data.get("device_path").and_then(serde_json::Value::as_str);
        let path = path.ok_or_else(|| io::Error::other("the connection has no `device_path`"))?;
        Ok(Box::new(client::open(Path::new(path), mode)?))
    }

    async fn exports(&self) -> io::Result<Vec<String>> {
        let words = ["ls", "--target", "linear", "-o", "devname"];
        let found = run("dmsetup", words.map(str::to_owned)).await.map_err(io::Error::other)?;
        let prefix = format!("ashlar-{}-", self.group.name);
        Ok(found.lines().filter(|line| line.contains(&prefix)).map(str::to_owned).collect())
    }

    async fn residue(&self) -> io::Result<Vec<String>> {
        let mut names = self.names().await?;
        let pool = format!("{}-pool", self.group.name);
        names.retain(|name| *name != pool && !WHOLE.iter().any(|whole| name.starts_with(whole)));
        Ok(names)
    }

    fn settles_within(&self) -> Duration {
        Duration::from_secs(30)
    }
}

impl Group {
    async fn make(file: &Path) -> Held<Self> {
        let not_here = |error| Stop::NotRun(format!("no volume group on a loop device can be had here: {error}"));
        fs::File::create(file).and_then(|file| file.set_len(DISK)).map_err(Stop::failed)?;
        let words = ["--find", "--show", "--direct-io=off", &file.to_string_lossy()];
        let device = run("losetup", words.map(str::to_owned)).await.map_err(not_here)?.trim().to_owned();
        let name = format!("ashlar-{}", device.trim_start_matches("/dev/"));
        let group = Self { name: name.clone(), device: device.clone() };
        run("lvm", ["pvcreate".to_owned(), "-ff".to_owned(), "--yes".to_owned(), device.clone()]).await.map_err(not_here)?;
        run("lvm", ["vgcreate".to_owned(), name, device]).await.map_err(not_here)?;
        Ok(group)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let (name, device) = (self.name.clone(), self.device.clone());
        // A thread of its own, since the one here may be inside a runtime.
        let done = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map(|runtime| runtime.block_on(take_down(name, device)))
        });
        if done.join().is_err() {
            eprintln!("volume group {} could not be taken down", self.name);
        }
    }
}

async fn take_down(name: String, device: String) {
    let ours = format!("ashlar-{name}-");
    let listed = run("dmsetup", ["ls".to_owned()]).await.unwrap_or_default();
    for line in listed.lines().filter(|line| line.starts_with(&ours)) {
        let name = line.split_whitespace().next().unwrap_or_default().to_owned();
        let _gone = run("dmsetup", ["remove".to_owned(), "--force".to_owned(), name]).await;
    }
    for words in [vec!["vgremove".to_owned(), "--yes".to_owned(), "--force".to_owned(), name]] {
        if let Err(error) = run("lvm", words).await {
            eprintln!("{error}");
        }
    }
    if let Err(error) = run("losetup", ["--detach".to_owned(), device]).await {
        eprintln!("{error}");
    }
}

async fn run(program: &'static str, words: impl IntoIterator<Item = String>) -> Result<String, String> {
    let ctx = OpCtx::new(OpId::new(), Duration::from_secs(60), CancellationToken::new());
    let program = Program::find(program).map_err(|error| error.to_string())?;
    let mut run = program.run(words);
    if !Path::new("/run/udev/control").exists() {
        run = run.env("DM_DISABLE_UDEV", "1");
    }
    let done = run.output(&ctx).await.map_err(|error| ashlar_common::driver::Error::from(error).chain())?;
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}
