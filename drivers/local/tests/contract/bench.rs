//! What the cases work with: a driver on a lab, and a way to the bytes of its volumes.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::Duration,
};

use ashlar_common::{
    driver::{
        AccessMode, AttachmentSpec, ConnectionInfo, Connector, Detach, Driver, Kind, OpCtx, Outcome, Result, Snapshot,
        SnapshotRef, Volume, VolumeRef, VolumeSpec,
    },
    ids::{AttachmentId, OpId, SnapshotId, VolumeId},
    units::ByteCount,
};
use ashlar_conformance::lab::{FileSystem, Lab};
use ashlar_driver_local::{Config, LocalDriver};
use tokio_util::sync::CancellationToken;

/// The size of most volumes here; no multiple of a block, since sizes are exact.
pub(crate) const SIZE: u64 = (4 << 20) + 512;

/// A driver on a file system of its own.
pub(crate) struct Bench {
    pub(crate) local: LocalDriver,
    pub(crate) config: Config,
    pub(crate) lab: Lab,
}

impl Bench {
    pub(crate) async fn new(file_system: Option<FileSystem>) -> Self {
        let lab = Lab::new(file_system).await.expect("root, loop devices and the tools of the file system");
        let config = config(&lab.path());
        let local = LocalDriver::open(config.clone()).expect("the lab can hold volumes");
        // A lab that is not what it should be would prove nothing.
        if let Some(file_system) = file_system {
            let shares = matches!(file_system, FileSystem::Xfs | FileSystem::Btrfs);
            assert_eq!(local.shares_blocks(), shares, "{file_system:?} was not mounted as usual");
        }
        Self { local, config, lab }
    }

    pub(crate) fn driver(&self) -> &dyn Driver {
        &self.local
    }

    /// The store's directory.
    pub(crate) fn root(&self) -> &Path {
        &self.config.path
    }

    /// What is being made or removed, or was left.
    pub(crate) fn staged(&self) -> Vec<String> {
        names(&self.root().join("tmp"))
    }

    /// No case may leave anything half done.
    pub(crate) fn assert_tidy(&self) {
        assert_eq!(self.staged(), Vec::<String>::new());
    }

    /// A second driver, as another process would open it.
    pub(crate) fn open_again(&self, change: impl FnOnce(&mut Config)) -> LocalDriver {
        let mut config = self.config.clone();
        change(&mut config);
        LocalDriver::open(config).expect("the store can be opened again")
    }
}

/// The least configuration.
pub(crate) fn config(path: &Path) -> Config {
    let text = format!("path = {:?}", path.to_str().expect("UTF-8"));
    toml::from_str(&text).expect("a configuration")
}

pub(crate) fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry"));
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

pub(crate) fn ctx() -> OpCtx {
    OpCtx::new(OpId::new(), Duration::from_secs(60), CancellationToken::new())
}

pub(crate) fn bytes(count: u64) -> ByteCount {
    ByteCount::new(count).expect("small")
}

/// A new volume's spec.
pub(crate) fn spec(size: u64) -> VolumeSpec {
    let volume = VolumeRef { id: VolumeId::new(), pool: "pool".parse().expect("a name") };
    VolumeSpec { volume, size: bytes(size), extra_specs: std::collections::BTreeMap::new() }
}

/// The spec that a volume was made with.
pub(crate) fn spec_of(volume: &VolumeRef, size: u64) -> VolumeSpec {
    VolumeSpec { volume: volume.clone(), ..spec(size) }
}

pub(crate) fn snapshot_of(volume: &VolumeRef) -> SnapshotRef {
    SnapshotRef { id: SnapshotId::new(), volume: volume.clone() }
}

pub(crate) fn attachment(mode: AccessMode) -> AttachmentSpec {
    AttachmentSpec { id: AttachmentId::new(), connector: Connector::default(), mode }
}

pub(crate) fn device_path(connection: &ConnectionInfo) -> PathBuf {
    connection.data.get("device_path").and_then(serde_json::Value::as_str).expect("a path").into()
}

/// Bytes that look like nothing else: a small generator, seeded.
pub(crate) fn pattern(seed: u64, length: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let words = std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.flatten().take(usize::try_from(length).expect("small")).collect()
}

/// An empty volume.
pub(crate) async fn create(driver: &dyn Driver, size: u64) -> VolumeRef {
    let spec = spec(size);
    driver.create(&ctx(), &spec).await.expect("created");
    spec.volume
}

/// A volume full of a pattern, and the pattern.
pub(crate) async fn create_full(driver: &dyn Driver, seed: u64) -> (VolumeRef, Vec<u8>) {
    let volume = create(driver, SIZE).await;
    let content = pattern(seed, SIZE);
    write(driver, &volume, 0, &content).await;
    (volume, content)
}

pub(crate) async fn snapshot(driver: &dyn Driver, volume: &VolumeRef) -> SnapshotRef {
    let snapshot = snapshot_of(volume);
    driver.create_snapshot(&ctx(), &snapshot).await.expect("taken");
    snapshot
}

/// Writes as an attached client does.
pub(crate) async fn write(driver: &dyn Driver, volume: &VolumeRef, offset: u64, content: &[u8]) {
    let hold = attachment(AccessMode::ReadWrite);
    let connection = driver.attach(&ctx(), volume, &hold).await.expect("attached").into_inner();
    let file = open_rw(&device_path(&connection));
    file.write_all_at(content, offset).expect("written");
    file.sync_all().expect("on disk");
    drop(file);
    driver.detach(&ctx(), volume, Detach::One(hold.id)).await.expect("detached");
}

/// All the bytes, as an attached client sees them.
pub(crate) async fn read(driver: &dyn Driver, volume: &VolumeRef) -> Vec<u8> {
    let hold = attachment(AccessMode::ReadOnly);
    let connection = driver.attach(&ctx(), volume, &hold).await.expect("attached").into_inner();
    let content = fs::read(device_path(&connection)).expect("read");
    driver.detach(&ctx(), volume, Detach::One(hold.id)).await.expect("detached");
    content
}

/// The bytes of a snapshot, seen through a volume made from it.
pub(crate) async fn read_snapshot(driver: &dyn Driver, snapshot: &SnapshotRef) -> Vec<u8> {
    let found = driver.inspect_snapshot(&ctx(), snapshot).await.expect("looked").expect("there");
    let spec = spec(found.size.bytes());
    driver.create_from_snapshot(&ctx(), &spec, snapshot).await.expect("made");
    let content = read(driver, &spec.volume).await;
    driver.delete(&ctx(), &spec.volume).await.expect("deleted");
    content
}

pub(crate) fn open_rw(path: &Path) -> File {
    OpenOptions::new().read(true).write(true).open(path).expect("opened for writing")
}

/// Byte vectors of megabytes make no message.
pub(crate) fn assert_same(found: &[u8], expected: &[u8]) {
    assert_eq!(found.len(), expected.len(), "lengths");
    let first = found.iter().zip(expected).position(|(found, expected)| found != expected);
    assert_eq!(first, None, "first byte that differs");
}

pub(crate) fn assert_changed<T: std::fmt::Debug>(outcome: &Outcome<T>) {
    assert!(matches!(outcome, Outcome::Changed(_)), "{outcome:?}");
}

pub(crate) fn assert_unchanged<T: std::fmt::Debug>(outcome: &Outcome<T>) {
    assert!(matches!(outcome, Outcome::Unchanged(_)), "{outcome:?}");
}

pub(crate) fn assert_kind<T: std::fmt::Debug>(result: Result<T>, kind: Kind) {
    let error = result.expect_err("refused");
    assert_eq!(error.kind(), kind, "{error}");
}

/// What the driver lists: ids of volumes and snapshots.
pub(crate) async fn listed(driver: &dyn Driver) -> (Vec<VolumeId>, Vec<SnapshotId>) {
    let inventory = driver.list(&ctx()).await.expect("listed");
    let volume = |volume: &Volume| volume.volume.id;
    let snapshot = |snapshot: &Snapshot| snapshot.snapshot.id;
    (inventory.volumes.iter().map(volume).collect(), inventory.snapshots.iter().map(snapshot).collect())
}
