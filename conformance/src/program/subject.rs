//! A driver that is given as an executable with a backend of its own: what its vendor has, and nothing of this workspace.
//!
//! All cases share the one backend, so they take turns, and each finds it empty. A backend with something on it when the
//! suite first sees it is left alone: it may be somebody's. The mark of an empty first sight is a file in the run's
//! folder; from then on everything on the backend is the suite's, and what a case leaves is removed before the next.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    thread,
    time::Duration,
};

use ashlar_common::{
    driver::{AccessMode, Capabilities, ConnectionInfo, Detach, Driver, Inventory, OpCtx},
    ids::{OpId, PoolName},
    stats::{BackendStats, PoolStats, Provisioning},
    units::ByteCount,
};
use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::{ProgramHost, link::Link, watch};
use crate::{
    claims::Claims,
    client,
    outcome::{Held, Stop},
    subject::{Disk, Host, Site, Subject},
};

/// The protocol by which the suite can be a client.
const LOCAL: &str = "local";
/// A pool that some cases fill to the last byte must not have more; what does not tell its room is taken to have as much.
const MOST_ROOM: u64 = 1 << 30;
/// Looking at the backend and clearing it takes no longer, call by call.
const CALL_LIMIT: Duration = Duration::from_secs(60);

/// The executable on its backend.
pub struct ProgramSubject {
    host: ProgramHost,
    /// Of this run: the turn's lock, and the mark of an empty backend.
    folder: PathBuf,
    /// What its team says; else what the program says of itself.
    claims: Option<Claims>,
    found: OnceLock<Claims>,
}

impl ProgramSubject {
    /// The executable that `host` starts. Without `claims`, what it can do is what it says, and no more is known of what
    /// may go missing.
    #[must_use]
    pub fn new(host: ProgramHost, folder: PathBuf, claims: Option<Claims>) -> Self {
        Self { host, folder, claims, found: OnceLock::new() }
    }

    /// Asks the program. One that does not answer has nothing to claim, and fails each case when it is raised.
    fn ask(&self) -> Claims {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let Ok(runtime) = runtime else { return Claims::default() };
        let claims = runtime.block_on(async {
            let host = self.host.start().await?;
            let stats = host.driver.stats(&ctx()).await.map_err(|error| Stop::failed(format!("stats: {error}")))?;
            let claims = claims(host.driver.as_ref(), &stats);
            host.life.kill().await;
            Ok::<_, Stop>(claims)
        });
        runtime.shutdown_background();
        claims.unwrap_or_default()
    }
}

/// What a driver says of itself. That snapshots of attached volumes can be had is what the contract wants of all.
fn claims(driver: &dyn Driver, stats: &BackendStats) -> Claims {
    let every = |known: fn(&PoolStats) -> bool| stats.pools.iter().all(known);
    Claims {
        capabilities: Capabilities::of(driver),
        snapshot_attached: true,
        allocated_known: every(|pool| pool.allocated.known().is_some()),
        usage_known: every(|pool| pool.total.known().is_some() && pool.free.known().is_some()),
        thick: every(|pool| pool.provisioning == Provisioning::Thick),
        ..Claims::default()
    }
}

#[async_trait]
impl Subject for ProgramSubject {
    fn name(&self) -> String {
        let name = self.host.executable.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
        format!("{name}-{}", self.host.backend).chars().map(plain).collect()
    }

    fn claims(&self) -> Claims {
        // On a thread of its own, since whoever asks may be on a runtime, which must not be blocked.
        let ask = || thread::scope(|scope| scope.spawn(|| self.ask()).join());
        self.claims.unwrap_or_else(|| *self.found.get_or_init(|| ask().unwrap_or_default()))
    }

    async fn raise(&self) -> Held<Box<dyn Site>> {
        let turn = take_turn(self.folder.join("turn.lock")).await?;
        let host = self.host.start().await?;
        let site = cleared(&self.host, &host, &self.folder.join("was-empty"), turn).await;
        host.life.kill().await;
        Ok(Box::new(site?))
    }
}

/// Waits until no other case is on the backend; held as long as the file is open.
async fn take_turn(path: PathBuf) -> Held<File> {
    let locked = tokio::task::spawn_blocking(move || {
        let file = File::create(path)?;
        file.lock()?;
        Ok::<_, io::Error>(file)
    });
    locked.await.map_err(Stop::failed)?.map_err(|error| Stop::NotRun(format!("the turn's lock: {error}")))
}

async fn cleared(program: &ProgramHost, host: &Host, mark: &Path, turn: File) -> Held<ProgramSite> {
    let driver = host.driver.as_ref();
    let stats = driver.stats(&ctx()).await.map_err(|error| Stop::failed(format!("stats: {error}")))?;
    let found = driver.list(&ctx()).await.map_err(|error| Stop::failed(format!("list: {error}")))?;
    let empty = found.volumes.is_empty() && found.snapshots.is_empty();
    if !mark.exists() {
        if !empty {
            let (volumes, snapshots) = (found.volumes.len(), found.snapshots.len());
            return Err(Stop::NotRun(format!(
                "backend {} is not empty: {volumes} volumes, {snapshots} snapshots; give the suite a backend of its own",
                program.backend
            )));
        }
        fs::write(mark, "").map_err(|error| Stop::NotRun(format!("{}: {error}", mark.display())))?;
    } else if !empty {
        remove(driver, &found).await?;
    }
    let pool = stats.pools.first().ok_or_else(|| Stop::failed("the statistics name no pool"))?;
    let room = pool.free.known().or(pool.total.known()).map_or(MOST_ROOM, ByteCount::bytes);
    if room > MOST_ROOM {
        return Err(Stop::NotRun(format!(
            "pool {} has room for {} MiB, and cases fill it: give the suite one of at most {} MiB",
            pool.name,
            room >> 20,
            MOST_ROOM >> 20
        )));
    }
    Ok(ProgramSite { program: program.clone(), pool: pool.name.clone(), room, links: Mutex::default(), _turn: turn })
}

/// Removes what a case left. Volumes that others were made from may have to wait for those, so that it goes in rounds.
async fn remove(driver: &dyn Driver, found: &Inventory) -> Held {
    let mut left = found.clone();
    for _round in 0..2 + found.volumes.len() {
        for snapshot in &left.snapshots {
            let _next_round = driver.delete_snapshot(&ctx(), &snapshot.snapshot).await;
        }
        for volume in &left.volumes {
            let _next_round = driver.detach(&ctx(), &volume.volume, Detach::All).await;
            let _next_round = driver.delete(&ctx(), &volume.volume).await;
        }
        left = driver.list(&ctx()).await.map_err(|error| Stop::failed(format!("list: {error}")))?;
        if left.volumes.is_empty() && left.snapshots.is_empty() {
            return Ok(());
        }
    }
    let (volumes, snapshots) = (left.volumes.len(), left.snapshots.len());
    Err(Stop::Failed(format!("{volumes} volumes and {snapshots} snapshots of an earlier case cannot be removed")))
}

fn ctx() -> OpCtx {
    OpCtx::new(OpId::new(), CALL_LIMIT, CancellationToken::new())
}

/// The backend, for one case.
struct ProgramSite {
    program: ProgramHost,
    pool: PoolName,
    room: u64,
    /// Of the hosts of this case.
    links: Mutex<Vec<Arc<Link>>>,
    _turn: File,
}

#[async_trait]
impl Site for ProgramSite {
    fn pool(&self) -> PoolName {
        self.pool.clone()
    }

    fn room(&self) -> u64 {
        self.room
    }

    async fn start(&self) -> Held<Host> {
        let (host, link) = self.program.start_linked().await?;
        self.links.lock().unwrap_or_else(PoisonError::into_inner).push(link);
        Ok(host)
    }

    async fn connect(&self, connection: &ConnectionInfo, mode: AccessMode) -> io::Result<Box<dyn Disk>> {
        match device_path(connection) {
            Some(path) => Ok(Box::new(client::open(path, mode)?)),
            None => Err(no_client(&connection.driver_volume_type)),
        }
    }

    /// Paths that the hosts of this case handed out and that still lead somewhere: what a client who kept them has.
    async fn exports(&self) -> io::Result<Vec<String>> {
        let links = self.links.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut exports = Vec::new();
        for connection in links.iter().flat_map(|link| link.connections()) {
            match device_path(&connection) {
                Some(path) if path.exists() => exports.push(path.display().to_string()),
                Some(_gone) => {}
                None => return Err(no_client(&connection.driver_volume_type)),
            }
        }
        exports.sort();
        exports.dedup();
        Ok(exports)
    }

    /// Nothing is known of where the program keeps things; what it lists is looked at by the cases.
    async fn residue(&self) -> io::Result<Vec<String>> {
        Ok(Vec::new())
    }
}

fn device_path(connection: &ConnectionInfo) -> Option<&Path> {
    if connection.driver_volume_type != LOCAL {
        return None;
    }
    connection.data.get("device_path").and_then(serde_json::Value::as_str).map(Path::new)
}

/// The case that sees this did not run, whatever it makes of it. One that should know how, and cannot, may fail.
fn no_client(protocol: &str) -> io::Error {
    if protocol == LOCAL {
        return io::Error::new(io::ErrorKind::InvalidData, "the connection is `local` and has no `device_path`");
    }
    let what = missing(protocol);
    watch::missing(&what);
    io::Error::new(io::ErrorKind::Unsupported, what)
}

fn missing(protocol: &str) -> String {
    match protocol {
        "iscsi" => "the suite has no iSCSI client yet: it needs open-iscsi and a lab that allows logging in".to_owned(),
        "rbd" => "the suite has no RBD client yet: it needs rbd-nbd and a lab that allows mapping".to_owned(),
        "nfs" => "the suite has no NFS client yet: it needs mount.nfs and a lab that allows mounting".to_owned(),
        other => format!("the suite is no client of `{other}`; it knows `{LOCAL}`"),
    }
}
