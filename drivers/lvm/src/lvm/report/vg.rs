//! Volume groups.

use ashlar_common::units::ByteCount;

use super::{ReportError, VgRow, bytes, number};

/// A volume group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vg {
    /// Its name.
    pub name: String,
    /// LVM's own id for it.
    pub uuid: String,
    /// All of it.
    pub size: ByteCount,
    /// What no volume has.
    pub free: ByteCount,
    /// Volumes are a whole number of these.
    pub extent: ByteCount,
    /// Physical volumes that are not there.
    pub missing: u32,
    /// How many volumes it has.
    pub volumes: u32,
    /// Whether it was given away: LVM does nothing with it.
    pub exported: bool,
}

impl Vg {
    pub(in crate::lvm) fn of(row: &VgRow) -> Result<Self, ReportError> {
        Ok(Self {
            name: row.vg_name.clone(),
            uuid: row.vg_uuid.clone(),
            size: bytes("vg_size", &row.vg_size)?,
            free: bytes("vg_free", &row.vg_free)?,
            extent: bytes("vg_extent_size", &row.vg_extent_size)?,
            missing: number("vg_missing_pv_count", &row.vg_missing_pv_count)?,
            volumes: number("lv_count", &row.lv_count)?,
            exported: !matches!(row.vg_exported.as_str(), "" | "0"),
        })
    }
}
