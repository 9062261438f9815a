//! Logical volumes.

use std::path::PathBuf;

use ashlar_common::units::ByteCount;

use super::{LvRow, ReportError, bytes};
use crate::names::{LvName, Tag, VgName};

/// A logical volume, as LVM and the kernel have it.
#[derive(Clone, Debug, PartialEq)]
pub struct Lv {
    /// Its name.
    pub name: LvName,
    /// LVM's own id for it.
    pub uuid: String,
    /// Its exact size: what its tag says, or else all of it.
    pub size: ByteCount,
    /// What it takes in whole extents; a thick snapshot's room for changes.
    pub extents: ByteCount,
    /// The device node.
    pub device: PathBuf,
    /// Whether the kernel has it.
    pub active: bool,
    /// Whether somebody has it open.
    pub open: bool,
    /// Whether its reads and writes wait.
    pub suspended: bool,
    /// Whether it lives in a thin pool.
    pub thin: bool,
    /// The thin pool it lives in.
    pub pool: Option<LvName>,
    /// What it is a snapshot of, as long as that is there.
    pub origin: Option<LvName>,
    /// Whether it is a thick snapshot, which needs its origin.
    pub thick_snapshot: bool,
    /// Whether thick snapshots need it.
    pub thick_origin: bool,
    /// Whether it is a plain volume that people or Ashlar made: linear, striped or thin, and no part of another.
    pub plain: bool,
    /// Whether it may not be written to.
    pub read_only: bool,
    /// What LVM finds wrong with it; empty while it is well.
    pub health: String,
    /// How much of it is in use, where that is known: of a thin volume, of a snapshot's room.
    pub data_percent: Option<f64>,
    /// Its tags.
    pub tags: Vec<Tag>,
}

impl Lv {
    pub(super) fn of(row: &LvRow, vg: &VgName) -> Result<Option<Self>, ReportError> {
        let Ok(name) = row.lv_name.parse::<LvName>() else { return Ok(None) };
        let extents = bytes("lv_size", &row.lv_size)?;
        // Tags that people gave may be of a kind that we do not write.
        let tags: Vec<Tag> = row.lv_tags.split(',').filter_map(|tag| tag.parse().ok()).collect();
        let layout: Vec<_> = row.lv_layout.split(',').collect();
        let roles: Vec<_> = row.lv_role.split(',').collect();
        let thin = layout.contains(&"thin") && !layout.contains(&"pool");
        let plain_layout = ["linear", "striped", "sparse"].iter().any(|plain| layout.contains(plain));
        Ok(Some(Self {
            size: tags.iter().find_map(Tag::as_size).unwrap_or(extents),
            device: PathBuf::from(format!("/dev/{vg}/{name}")),
            name,
            uuid: row.lv_uuid.clone(),
            extents,
            active: row.lv_active == "active",
            open: row.lv_device_open == "1",
            suspended: row.lv_suspended == "1",
            thin,
            pool: row.pool_lv.parse().ok(),
            origin: row.origin.parse().ok(),
            thick_snapshot: roles.contains(&"thicksnapshot"),
            thick_origin: roles.contains(&"thickorigin"),
            plain: plain_layout && roles.contains(&"public"),
            read_only: row.lv_permissions.starts_with("read-only"),
            health: row.lv_health_status.clone(),
            data_percent: row.data_percent.parse().ok(),
            tags,
        }))
    }

    /// Whether it is Ashlar's.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.tags.contains(&Tag::ours())
    }

    /// The intent that its tags speak of.
    #[must_use]
    pub fn intent(&self) -> Option<&str> {
        self.tags.iter().find_map(Tag::as_intent)
    }
}
