//! A store in a temporary directory, a request side, and hosts that start and die when told.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::backend::MemoryBackend;
use crate::{
    config::{Config, StoreSection},
    driver::Lease,
    ids::{BackendName, SnapshotId, VolumeId},
    manager::{
        Intake, NewSnapshot, NewVolume, OperatorFunctions, Requester, Source, Worker,
        rivals::{join, members},
    },
    scheduler::Hints,
    state::Status,
    store::{
        Error, Store,
        members::{Gone, Joining},
        records::{Metadata, SnapshotRecord, VolumeRecord},
    },
    units::ByteCount,
    wakeup::{Bell, Ear, Sleeper},
};

/// Nothing here takes a tenth of this; a case that waits longer has found a fault.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Longer than any case takes, for those that are not about leases.
const LEASE: Duration = Duration::from_secs(600);

pub(super) struct Bench {
    pub(super) intake: Intake,
    pub(super) backend: Arc<MemoryBackend>,
    pub(super) who: Requester,
    pub(super) config: Config,
    _folder: tempfile::TempDir,
    /// Of a job whose stores are on a server.
    _database: Option<ashlar_lab::postgres::Database>,
    _ear: JoinHandle<()>,
}

/// A host that serves until dropped, as a process that is killed: nothing under way is committed.
pub(super) struct Host {
    pub(super) worker: Worker,
    task: JoinHandle<Result<(), Error>>,
}

/// The one backend.
pub(super) fn backend() -> BackendName {
    "disk".parse().expect("a name")
}

impl Drop for Host {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Host {
    /// Waits for the host to stop by itself.
    pub(super) async fn ended(mut self) -> Result<(), Error> {
        tokio::time::timeout(PATIENCE, &mut self.task).await.expect("it stops").expect("it does not panic")
    }
}

impl Bench {
    /// A backend of that many GiB that has reported, and no host yet.
    pub(super) async fn new(total_gib: u64) -> Self {
        Self::configured(total_gib, "").await
    }

    /// The same, with more lines of configuration.
    pub(super) async fn configured(total_gib: u64, more: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let text = format!("state_directory = {:?}\nhost.attempts = 3\n{more}", folder.path());
        let mut config: Config = toml::from_str(&text).expect("a configuration");
        let database = ashlar_lab::postgres::asked_for().expect("the job's server");
        config.store = database.as_ref().map(|database| StoreSection {
            url: database.url(),
            password_file: Some(database.address().password_file().to_owned()),
        });
        let store = Store::open(&config.store_location()).await.expect("a store");
        let intake = Intake::new(store, &config).expect("a request side");
        let listener = intake.clone();
        let directory = config.run_directory();
        let ear = tokio::spawn(async move { listener.listen(&directory).await.expect("a socket") });
        let who =
            Requester { project_id: "demo".to_owned(), user_id: "ann".to_owned(), request_id: "req-1".to_owned() };
        let backend = Arc::new(MemoryBackend::new(total_gib));
        let bench = Self { intake, backend, who, config, _folder: folder, _database: database, _ear: ear };
        bench.worker().await.report_once().await.expect("a first report");
        bench
    }

    /// Takes the backend over without serving it: whoever served it is known to be gone.
    pub(super) async fn worker(&self) -> Worker {
        let store = self.intake.store().clone();
        let others = members(&store, &backend()).await.expect("members");
        let gone: Vec<Gone> = others.iter().map(|member| Gone::Ended { epoch: member.epoch }).collect();
        self.join(store, LEASE, &gone).await.expect("a seat")
    }

    /// Joins, if there is a seat, as a process that sees the store so and knows these to be gone.
    pub(super) async fn join(&self, store: Store, length: Duration, gone: &[Gone]) -> Option<Worker> {
        let joining = Joining {
            backend: &backend(),
            holder: "here:1",
            volume_backend_name: "disk",
            availability_zone: "nova",
            lease: length,
            gone,
            now: store.now(),
        };
        let asked = store.clock().uptime;
        let epoch = join(&store, &joining).await.expect("an answer")?;
        let clock = store.clone();
        let functions = self.config.backends.get(&backend()).map(OperatorFunctions::of).unwrap_or_default();
        Some(Worker {
            store,
            driver: self.backend.clone(),
            backend: backend(),
            epoch,
            lease: Lease::new(length, asked, move || clock.clock().uptime),
            images: None,
            settings: self.config.host.clone(),
            functions,
            bell: Bell::new(&self.config.run_directory()).expect("a bell"),
            stop: CancellationToken::new(),
        })
    }

    /// The store as another process would open it.
    pub(super) async fn store_again(&self) -> Store {
        Store::open(&self.config.store_location()).await.expect("a store")
    }

    /// Takes the backend over and serves it.
    pub(super) async fn host(&self) -> Host {
        self.serve(self.worker().await)
    }

    /// Has a member serve.
    pub(super) fn serve(&self, worker: Worker) -> Host {
        let ear = Ear::bind(&self.config.run_directory(), &Sleeper::Host(worker.backend.clone())).expect("an ear");
        let serving = worker.clone();
        let task = tokio::spawn(async move { serving.run(&ear).await });
        Host { worker, task }
    }

    pub(super) async fn create(&self, gib: u64) -> VolumeRecord {
        self.create_from(Some(gib), Source::Empty).await
    }

    /// Makes a volume and waits until its host has.
    pub(super) async fn available(&self, gib: u64) -> VolumeRecord {
        let volume = self.create(gib).await;
        self.settled(volume.id).await.expect("it was made")
    }

    /// Takes a snapshot and waits until its host has.
    pub(super) async fn taken(&self, volume: VolumeId) -> SnapshotRecord {
        let snapshot = self.snapshot(volume).await;
        self.settled_snapshot(snapshot.id).await.expect("it was taken")
    }

    pub(super) async fn create_from(&self, gib: Option<u64>, source: Source) -> VolumeRecord {
        let new = NewVolume {
            name: None,
            description: None,
            size: gib.map(|gib| ByteCount::from_gib(gib).expect("small")),
            source,
            type_id: None,
            availability_zone: None,
            metadata: Metadata::new(),
            multi_attach: false,
            hints: Hints::default(),
        };
        self.intake.create_volume(&self.who, new).await.expect("taken in")
    }

    pub(super) async fn snapshot(&self, volume: VolumeId) -> SnapshotRecord {
        let new = NewSnapshot { volume, name: None, description: None, metadata: Metadata::new(), force: false };
        self.intake.create_snapshot(&self.who, new).await.expect("taken in")
    }

    pub(super) async fn volume(&self, id: VolumeId) -> Option<VolumeRecord> {
        self.intake.store().read().await.expect("a view").volume(id).await.expect("an answer")
    }

    /// The volume once no operation is at work on it; `None` once it is gone.
    pub(super) async fn settled(&self, id: VolumeId) -> Option<VolumeRecord> {
        self.until(async || self.volume(id).await, |volume| volume.state.op().is_none()).await
    }

    pub(super) async fn settled_snapshot(&self, id: SnapshotId) -> Option<SnapshotRecord> {
        let look = async || self.intake.store().read().await.expect("a view").snapshot(id).await.expect("an answer");
        self.until(look, |snapshot| snapshot.state.op().is_none()).await
    }

    pub(super) async fn status(&self, id: VolumeId) -> Option<Status> {
        self.settled(id).await.map(|volume| volume.status)
    }

    /// What users were told, newest first.
    pub(super) async fn messages(&self) -> Vec<String> {
        let mut tx = self.intake.store().read().await.expect("a view");
        let listing = crate::store::listing::Listing { limit: 100, ..Default::default() };
        tx.list_messages(&listing).await.expect("messages").into_iter().map(|message| message.user_message).collect()
    }

    async fn until<T>(&self, look: impl AsyncFn() -> Option<T>, enough: impl Fn(&T) -> bool) -> Option<T> {
        let waiting = async {
            loop {
                match look().await {
                    Some(thing) if !enough(&thing) => tokio::time::sleep(Duration::from_millis(5)).await,
                    settled => return settled,
                }
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("every operation ends")
    }
}
