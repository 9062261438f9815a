//! Where records, log and backend do not fit together: found, reported, and by policy mended.
//!
//! [`backend`] compares what the driver lists with the records, [`records`] the records with the log and with the files of
//! images. [`apply`] mends one finding: what touches the backend goes through the operation log like any request, so it is
//! done by the host alone, in turn, under its lease, and survives its death; what touches records alone is one transaction
//! that looks again first. [`round`] is the host's part: look, note in the store, mend what the policy says. People ask by
//! `ashlar reconcile`, which looks the same way and applies the same way, and so never races the host.

pub mod apply;
mod backend;
pub mod mend;
mod records;
pub mod round;

use serde::Serialize;

use super::image_store::ImageStore;
use crate::{
    driver::{Driver, OpCtx},
    findings::{Finding, Kind},
    ids::{BackendName, SnapshotId, VolumeId},
    store::Store,
};

/// Of more findings than this, the rest shows when these are dealt with.
pub const MOST: usize = 10_000;

/// Why a backend could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] crate::store::Error),
    /// The backend does not answer.
    #[error("the backend does not list what it holds: {0}")]
    Backend(crate::driver::Error),
    /// The directory of images cannot be read.
    #[error("the directory of images cannot be read: {0}")]
    Images(#[from] std::io::Error),
}

/// What it takes to look at one backend.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    /// The store.
    pub store: &'a Store,
    /// The backend's driver.
    pub driver: &'a dyn Driver,
    /// The backend.
    pub backend: &'a BackendName,
    /// Where images are, if anywhere.
    pub images: Option<&'a ImageStore>,
    /// Until when.
    pub ctx: &'a OpCtx,
}

impl Look<'_> {
    /// All that does not fit, at most [`MOST`]. Nothing stands still meanwhile, so what seems to differ is looked at
    /// again before it counts.
    ///
    /// # Errors
    /// When store, backend or images do not answer: what cannot be asked is not taken for missing.
    pub async fn findings(&self) -> Result<Vec<Finding>, Error> {
        let mut found = backend::findings(self).await?;
        found.append(&mut records::findings(self).await?);
        found.truncate(MOST);
        Ok(found)
    }
}

/// Where records and backend differ, operations under way left aside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Differences {
    /// Volumes on the backend that no record knows.
    pub orphan_volumes: Vec<VolumeId>,
    /// Snapshots on the backend that no record knows.
    pub orphan_snapshots: Vec<SnapshotId>,
    /// Volumes that are recorded as there, and are not.
    pub missing_volumes: Vec<VolumeId>,
    /// Snapshots that are recorded as there, and are not.
    pub missing_snapshots: Vec<SnapshotId>,
    /// Volumes whose recorded size is not their size.
    pub wrong_size: Vec<VolumeId>,
}

impl Differences {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Compares one backend with its records.
///
/// # Errors
/// When either does not answer.
pub async fn differences(
    store: &Store,
    driver: &dyn Driver,
    backend: &BackendName,
    ctx: &OpCtx,
) -> Result<Differences, Error> {
    let found = backend::findings(&Look { store, driver, backend, images: None, ctx }).await?;
    let volumes =
        |kind| found.iter().filter(move |one| one.kind == kind).filter_map(|one| one.about.volume()).collect();
    let snapshots =
        |kind| found.iter().filter(move |one| one.kind == kind).filter_map(|one| one.about.snapshot()).collect();
    Ok(Differences {
        orphan_volumes: volumes(Kind::VolumeWithoutRecord),
        orphan_snapshots: snapshots(Kind::SnapshotWithoutRecord),
        missing_volumes: volumes(Kind::RecordWithoutVolume),
        missing_snapshots: snapshots(Kind::RecordWithoutSnapshot),
        wrong_size: volumes(Kind::WrongSize),
    })
}
