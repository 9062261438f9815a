//! What the LVM shell answers: rows of a report, and a log whose last row says what became of the command.
//!
//! Every value is text in LVM's reports. Fields that are not asked for are absent, and fields that are not known are
//! passed over, so that another version of LVM may add some.

mod lv;
mod pool;
mod vg;

use ashlar_common::units::ByteCount;
use serde::Deserialize;

use super::command::Command;
use crate::names::VgName;

pub use lv::Lv;
pub use pool::Pool;
pub use vg::Vg;

/// `ECMD_PROCESSED` in LVM's `tools/errors.h`: the command did what it was asked to.
const PROCESSED: &str = "1";
/// How much of LVM's own words goes into an error.
const MOST_WORDS: usize = 1000;

/// What is told of a logical volume. None of these makes LVM write a row per segment.
pub(super) const LV_FIELDS: &str = "lv_name,lv_uuid,lv_size,lv_tags,lv_layout,lv_role,pool_lv,origin,lv_active,\
                                    lv_device_open,lv_suspended,lv_health_status,data_percent,lv_permissions";
/// What is asked about a thin pool.
pub(super) const POOL_FIELDS: &str = "lv_name,lv_size,lv_layout,lv_active,lv_health_status,data_percent,metadata_percent,zero,lv_metadata_size,\
     vg_missing_pv_count";
/// What is told of a volume group.
pub(super) const VG_FIELDS: &str =
    "vg_name,vg_uuid,vg_size,vg_free,vg_extent_size,vg_missing_pv_count,lv_count,vg_exported";
/// What is asked about physical volumes.
pub(super) const PV_FIELDS: &str = "pv_name,pv_missing,vg_name";

/// An answer is not what a command's answer looks like.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// It ends in the middle.
    #[error("it ends in the middle")]
    Torn,
    /// It is larger than any report.
    #[error("it does not end")]
    TooLong,
    /// It is no JSON, or lacks what every answer has.
    #[error("it cannot be read")]
    Json(#[from] serde_json::Error),
    /// It says that all is well, and lacks what it was asked for.
    #[error("it lacks what it was asked for")]
    Incomplete,
    /// It does not say what became of the command.
    #[error("it does not say what became of the command")]
    NoStatus,
    /// It is the answer to another command.
    #[error("it is the answer to {0:?}")]
    Foreign(String),
    /// A field that must be there is not, or is not what it should be.
    #[error("its {field} is {value:?}")]
    Field {
        /// The field.
        field: &'static str,
        /// What stands in it.
        value: String,
    },
}

#[derive(Debug, Deserialize)]
struct Raw {
    #[serde(default)]
    report: Vec<Section>,
    log: Vec<LogRow>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Section {
    lv: Vec<LvRow>,
    vg: Vec<VgRow>,
    pv: Vec<PvRow>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LogRow {
    log_type: String,
    log_context: String,
    log_object_name: String,
    log_message: String,
    log_ret_code: String,
}

/// A row of `lvs`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LvRow {
    lv_name: String,
    lv_uuid: String,
    lv_size: String,
    lv_tags: String,
    lv_layout: String,
    lv_role: String,
    lv_active: String,
    lv_device_open: String,
    lv_suspended: String,
    lv_health_status: String,
    lv_permissions: String,
    lv_metadata_size: String,
    pool_lv: String,
    origin: String,
    data_percent: String,
    metadata_percent: String,
    zero: String,
    vg_missing_pv_count: String,
}

/// A row of `vgs`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct VgRow {
    vg_name: String,
    vg_uuid: String,
    vg_size: String,
    vg_free: String,
    vg_extent_size: String,
    vg_missing_pv_count: String,
    lv_count: String,
    vg_exported: String,
}

/// A row of `pvs`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PvRow {
    /// The device.
    pub(super) pv_name: String,
    /// The volume group that it is in; empty for none.
    pub(super) vg_name: String,
    pv_missing: String,
}

impl PvRow {
    pub(super) fn is_missing(&self) -> bool {
        self.pv_missing == "1"
    }
}

/// The answer to one command.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    /// Whether LVM says that it did all that it was asked to.
    pub(super) done: bool,
    /// Its errors and warnings, for people.
    pub(super) words: String,
    pub(super) lvs: Vec<LvRow>,
    pub(super) vgs: Vec<VgRow>,
    pub(super) pvs: Vec<PvRow>,
}

impl Answer {
    /// Reads the answer to `command`.
    pub(super) fn parse(bytes: &[u8], command: &Command) -> Result<Self, ReportError> {
        let raw: Raw = serde_json::from_slice(bytes)?;
        let is_status = |row: &&LogRow| row.log_type == "status" && row.log_context == "shell";
        let status = raw.log.iter().rfind(is_status).ok_or(ReportError::NoStatus)?;
        let name = command.line().split(' ').next().unwrap_or_default();
        if status.log_object_name != name {
            return Err(ReportError::Foreign(status.log_object_name.clone()));
        }
        let done = status.log_ret_code == PROCESSED;
        let said = raw.log.iter().filter(|row| matches!(row.log_type.as_str(), "error" | "warn"));
        let mut words = said.map(|row| row.log_message.trim()).collect::<Vec<_>>().join("; ");
        words.truncate(words.floor_char_boundary(MOST_WORDS));
        let mut answer = Self { done, words, ..Self::default() };
        for section in raw.report {
            answer.lvs.extend(section.lv);
            answer.vgs.extend(section.vg);
            answer.pvs.extend(section.pv);
        }
        Ok(answer)
    }

    /// The volumes that it speaks of. LVM's hidden ones, whose names are no names, are left out.
    pub(super) fn volumes(&self, vg: &VgName) -> Result<Vec<Lv>, ReportError> {
        self.lvs.iter().filter_map(|row| Lv::of(row, vg).transpose()).collect()
    }
}

fn bytes(field: &'static str, value: &str) -> Result<ByteCount, ReportError> {
    let bytes = value.parse().ok().and_then(|bytes| ByteCount::new(bytes).ok());
    bytes.ok_or_else(|| ReportError::Field { field, value: value.to_owned() })
}

fn number(field: &'static str, value: &str) -> Result<u32, ReportError> {
    value.parse().map_err(|_| ReportError::Field { field, value: value.to_owned() })
}

#[cfg(test)]
mod tests;
