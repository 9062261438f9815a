//! A volume group of the lab, and drivers that are opened on it.

use std::time::Duration;

use ashlar_common::{
    driver::{Driver, Kind, OpCtx, Outcome, SnapshotRef, VolumeRef, VolumeSpec},
    ids::{OpId, SnapshotId, VolumeId},
    units::ByteCount,
};
use ashlar_driver_lvm::{Config, LvmDriver, data, names::LvName};
use ashlar_lab::lvm::{Shape, ThinPool, VolumeGroup};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::failure::Result;

/// Of most volumes here: some extents.
pub(crate) const SIZE: u64 = 2 << 20;
/// No call of a test takes that long.
const LONG: Duration = Duration::from_secs(100);
const THICK: Shape = Shape { size_mib: 96, extent_kib: 512, thin: None };
const THIN: Shape = Shape { size_mib: 96, extent_kib: 512, thin: Some(ThinPool { size_mib: 64, metadata_kib: 2048 }) };

pub(crate) struct Bench {
    pub(crate) group: VolumeGroup,
    pub(crate) state: TempDir,
    thin: bool,
}

impl Bench {
    pub(crate) fn new(thin: bool) -> Result<Self> {
        let group = VolumeGroup::standing(if thin { &THIN } else { &THICK })?;
        Ok(Self { group, state: TempDir::new()?, thin })
    }

    /// The configuration, with these keys besides or instead.
    pub(crate) fn config(&self, more: &Value) -> Result<Config> {
        let mut keys = json!({
            "volume_group": self.group.name(),
            "provisioning": if self.thin { "thin" } else { "thick" },
            "state_path": self.state.path(),
            "target": { "protocol": "local" },
        });
        for (key, value) in more.as_object().into_iter().flatten() {
            keys[key] = value.clone();
        }
        Ok(serde_json::from_value(keys)?)
    }

    pub(crate) async fn open(&self, more: &Value) -> Result<LvmDriver> {
        Ok(LvmDriver::open(&ctx(), self.config(more)?).await?)
    }

    /// Nothing is there that is not a whole volume or snapshot.
    pub(crate) fn is_tidy(&self) -> Result {
        let mut left = self.group.volumes()?;
        left.retain(|name| !name.starts_with("volume-") && !name.starts_with("snap-"));
        ensure(left.is_empty(), &format!("half made or half gone: {left:?}"))
    }

    /// Nothing is there at all.
    pub(crate) fn is_empty(&self) -> Result {
        let residue = self.group.residue()?;
        ensure(residue.is_empty(), &format!("left: {residue:?}"))
    }
}

pub(crate) fn ctx() -> OpCtx {
    within(LONG)
}

pub(crate) fn within(limit: Duration) -> OpCtx {
    OpCtx::new(OpId::new(), limit, CancellationToken::new())
}

pub(crate) fn bytes(count: u64) -> ByteCount {
    ByteCount::new(count).unwrap_or(ByteCount::MAX)
}

pub(crate) fn spec(size: u64) -> Result<VolumeSpec> {
    let volume = VolumeRef { id: VolumeId::new(), pool: "pool".parse()? };
    Ok(VolumeSpec { volume, size: bytes(size), extra_specs: std::collections::BTreeMap::new() })
}

pub(crate) fn snapshot_of(volume: &VolumeRef) -> SnapshotRef {
    SnapshotRef { id: SnapshotId::new(), volume: volume.clone() }
}

pub(crate) async fn create(driver: &LvmDriver, size: u64) -> Result<VolumeRef> {
    let spec = spec(size)?;
    driver.create(&ctx(), &spec).await?;
    Ok(spec.volume)
}

/// Deletes all, snapshots first.
pub(crate) async fn clear(driver: &LvmDriver) -> Result {
    let there = driver.list(&ctx()).await?;
    for snapshot in there.snapshots {
        driver.delete_snapshot(&ctx(), &snapshot.snapshot).await?;
    }
    for volume in there.volumes {
        driver.delete(&ctx(), &volume.volume).await?;
    }
    Ok(())
}

/// Where a volume's bytes are.
pub(crate) async fn device(driver: &LvmDriver, volume: &VolumeRef) -> Result<std::path::PathBuf> {
    let lv = driver.backend().lvm.lv(&ctx(), &LvName::volume(volume.id)).await?;
    Ok(lv.ok_or("the volume is there")?.device)
}

/// Fills a volume with one byte.
pub(crate) async fn fill(driver: &LvmDriver, volume: &VolumeRef, byte: u8, size: u64) -> Result {
    let file = data::open_to_change(&device(driver, volume).await?)?;
    std::os::unix::fs::FileExt::write_all_at(&file, &vec![byte; usize::try_from(size)?], 0)?;
    Ok(file.sync_all()?)
}

/// All bytes of a volume are this one.
pub(crate) async fn holds(driver: &LvmDriver, volume: &VolumeRef, byte: u8, size: u64) -> Result {
    let file = data::open_to_read(&device(driver, volume).await?)?;
    let mut found = vec![!byte; usize::try_from(size)?];
    std::os::unix::fs::FileExt::read_exact_at(&file, &mut found, 0)?;
    ensure(found.iter().all(|is| *is == byte), &format!("other bytes than {byte:#x} in {volume:?}"))
}

pub(crate) fn ensure(holds: bool, what: &str) -> Result {
    if holds { Ok(()) } else { Err(what.into()) }
}

/// The kind of an answer's error, and for the test's report its words.
pub(crate) fn refused<T: std::fmt::Debug>(
    what: &str,
    answer: ashlar_common::driver::Result<T>,
    kind: Kind,
) -> Result<String> {
    match answer {
        Err(error) if error.kind() == kind => Ok(error.chain()),
        Err(error) => Err(format!("{what}: {:?} and not {kind:?}: {}", error.kind(), error.chain()).into()),
        Ok(answer) => Err(format!("{what}: done, and not {kind:?}: {answer:?}").into()),
    }
}

/// The answer to a call that changes something says that it is not done: not begun, or begun where nobody could look
/// what came of it, as where the driver knew a moment before that there is room.
pub(crate) fn not_done<T: std::fmt::Debug>(what: &str, answer: ashlar_common::driver::Result<T>) -> Result {
    match answer {
        Err(error) if matches!(error.kind(), Kind::Unavailable | Kind::Indeterminate) => Ok(()),
        Err(error) => Err(format!("{what}: {:?}: {}", error.kind(), error.chain()).into()),
        Ok(answer) => Err(format!("{what}: done: {answer:?}").into()),
    }
}

/// The answer says that nothing had to be changed.
pub(crate) fn unchanged<T: std::fmt::Debug>(what: &str, answer: Outcome<T>) -> Result<T> {
    match answer {
        Outcome::Unchanged(value) => Ok(value),
        Outcome::Changed(value) => Err(format!("{what} changed something: {value:?}").into()),
    }
}
