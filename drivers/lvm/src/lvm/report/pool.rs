//! Thin pools.

use ashlar_common::units::ByteCount;

use super::{LvRow, ReportError, bytes, number};
use crate::names::LvName;

/// A thin pool.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    /// Its name.
    pub name: LvName,
    /// Room for data.
    pub size: ByteCount,
    /// Room for metadata.
    pub metadata: ByteCount,
    /// Percent of the data room in use; `None` while it is not active.
    pub data_percent: Option<f64>,
    /// Percent of the metadata room in use; `None` while it is not active.
    pub metadata_percent: Option<f64>,
    /// Whether the kernel has it.
    pub active: bool,
    /// Whether new blocks are zeroed before they are given out.
    pub zeroing: bool,
    /// Physical volumes of its group that are not there.
    pub missing: u32,
    /// What LVM finds wrong with it; empty while it is well.
    pub health: String,
}

impl Pool {
    /// `None` for a volume that is no thin pool.
    pub(in crate::lvm) fn of(row: &LvRow) -> Result<Option<Self>, ReportError> {
        let is_pool = ["thin", "pool"].iter().all(|word| row.lv_layout.split(',').any(|has| has == *word));
        let Ok(name) = row.lv_name.parse() else { return Ok(None) };
        if !is_pool {
            return Ok(None);
        }
        Ok(Some(Self {
            name,
            size: bytes("lv_size", &row.lv_size)?,
            metadata: bytes("lv_metadata_size", &row.lv_metadata_size).unwrap_or(ByteCount::ZERO),
            data_percent: row.data_percent.parse().ok(),
            metadata_percent: row.metadata_percent.parse().ok(),
            active: row.lv_active == "active",
            zeroing: row.zero == "1",
            missing: number("vg_missing_pv_count", &row.vg_missing_pv_count)?,
            health: row.lv_health_status.clone(),
        }))
    }
}
