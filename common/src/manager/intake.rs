//! The request side: what the API calls. The other files of this folder add a method an operation.

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use tokio::sync::Notify;

use super::{
    image_store::ImageStore,
    pools::Scheduling,
    refusal::{Refusal, Result},
};
use crate::{
    config::Config,
    ids::{AttachmentId, BackendName, OpId, SnapshotId, VolumeId},
    points::Point,
    store::{
        Store, Tx,
        records::{AttachmentRecord, Operation, Phase, SnapshotRecord, VolumeRecord, Work},
    },
    wakeup::{Bell, Ear, Sleeper},
};

/// Takes requests in. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Intake {
    pub(super) store: Store,
    pub(super) scheduling: Arc<Scheduling>,
    pub(super) images: Option<ImageStore>,
    pub(super) default_zone: String,
    pub(super) attach_timeout: Duration,
    pub(super) ended: Arc<Notify>,
    heard: Arc<AtomicU64>,
    bell: Bell,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requester {
    /// The project whose things may be touched.
    pub project_id: String,
    /// The user.
    pub user_id: String,
    /// The request, as in logs and answers.
    pub request_id: String,
}

impl Intake {
    /// The request side of a service with this configuration.
    ///
    /// # Errors
    /// When the run directory cannot be used.
    pub fn new(store: Store, config: &Config) -> io::Result<Self> {
        config.make_directories()?;
        let bell = Bell::new(&config.run_directory())?.with(&store);
        Ok(Self {
            store,
            scheduling: Arc::new(Scheduling::of(config)),
            images: config.images.as_ref().map(|images| ImageStore::new(images.directory.clone())),
            default_zone: config.api.availability_zone.clone(),
            attach_timeout: Duration::from_secs(config.api.attach_timeout_seconds),
            ended: Arc::new(Notify::new()),
            heard: Arc::new(AtomicU64::new(0)),
            bell,
        })
    }

    /// The store, for reading and for edits that no host needs to know of.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The zone of volumes that ask for none.
    #[must_use]
    pub fn default_zone(&self) -> &str {
        &self.default_zone
    }

    /// How often a host has woken this process; none while calls wait means that they wait for the next poll.
    #[must_use]
    pub fn wakeups(&self) -> u64 {
        self.heard.load(Ordering::Relaxed)
    }

    /// Listens for ended operations until dropped, so that calls that wait for one answer at once. Other API processes of
    /// this machine do the same beside it.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub async fn listen(&self, run_directory: &Path) -> io::Result<()> {
        let ear = Ear::bind(run_directory, &Sleeper::Api)?.with(&self.store, &Sleeper::Api);
        loop {
            ear.heard().await;
            self.heard.fetch_add(1, Ordering::Relaxed);
            self.ended.notify_waiters();
        }
    }

    /// Logs an operation in the transaction that changed its subject's state, commits both, and wakes the backend's host.
    pub(super) async fn submit(
        &self,
        mut tx: Tx,
        id: OpId,
        backend: BackendName,
        who: &Requester,
        work: Work,
        now: Timestamp,
    ) -> Result<()> {
        let operation = Operation {
            id,
            backend,
            request_id: who.request_id.clone(),
            work,
            phase: Phase::Pending,
            epoch: 0,
            attempts: 0,
            not_before: Duration::ZERO,
            percent: 0,
            error: None,
            created_at: now,
            updated_at: now,
        };
        tx.log_operation(&operation).await?;
        self.store.reached(Point::Logged).await;
        tx.commit().await?;
        self.store.reached(Point::TakenIn).await;
        self.bell.ring(&Sleeper::Host(operation.backend));
        self.store.reached(Point::Rung).await;
        Ok(())
    }
}

pub(super) async fn own_volume(tx: &mut Tx, who: &Requester, id: VolumeId) -> Result<VolumeRecord> {
    let found = tx.volume(id).await?.filter(|volume| volume.project_id == who.project_id);
    found.ok_or_else(|| Refusal::not_found("volume", id))
}

pub(super) async fn own_snapshot(tx: &mut Tx, who: &Requester, id: SnapshotId) -> Result<SnapshotRecord> {
    let found = tx.snapshot(id).await?.filter(|snapshot| snapshot.project_id == who.project_id);
    found.ok_or_else(|| Refusal::not_found("snapshot", id))
}

pub(super) async fn own_attachment(tx: &mut Tx, who: &Requester, id: AttachmentId) -> Result<AttachmentRecord> {
    let found = tx.attachment(id).await?.filter(|attachment| attachment.project_id == who.project_id);
    found.ok_or_else(|| Refusal::not_found("attachment", id))
}
