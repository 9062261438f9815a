//! A service in a folder of its own, and a client for it.

use std::time::Duration;

use ashlar::api::{ApiSettings, ApiState, router};
use ashlar_common::{
    config::Config,
    driver::{Capabilities, DriverInfo},
    ids::{BackendName, VolumeId},
    manager::Intake,
    state::VolumeState,
    stats::{BackendStats, Capacity, PoolStats, Provisioning},
    store::{Location, PostgresLocation, Store, hosts::Asked, listing::Listing, members::Joining},
    units::ByteCount,
};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode, header},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use tower::ServiceExt;

/// A service without hosts.
pub(crate) struct Bench {
    pub(crate) store: Store,
    pub(crate) api: ApiState,
    pub(crate) router: Router,
    _folder: tempfile::TempDir,
    /// Of a job whose stores are on a server.
    _database: Option<ashlar_lab::postgres::Database>,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    /// The body.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("not JSON ({error}): {self:?}"))
    }

    /// The body, if the status is this one.
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        if self.text.is_empty() { Value::Null } else { self.json() }
    }

    /// The message of an error of this status, whose body must be in the documented shape.
    pub(crate) fn refused(&self, status: u16) -> String {
        let body = self.expect(status);
        let (_, said) = body.as_object().and_then(|body| body.iter().next()).expect("an error has a name");
        assert_eq!(said["code"], status, "{self:?}");
        let message = said["message"].as_str().unwrap_or_default().to_owned();
        assert!(!message.is_empty(), "{self:?}");
        message
    }
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config: Config =
            toml::from_str(&format!("state_directory = {:?}", folder.path())).expect("a configuration");
        Self::over(&config, folder, ApiSettings::of(&config)).await
    }

    /// One with more lines of configuration.
    pub(crate) async fn configured(more: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let text = format!("state_directory = {:?}\n{more}", folder.path());
        let config: Config = toml::from_str(&text).expect("a configuration");
        Self::over(&config, folder, ApiSettings::of(&config)).await
    }

    /// One with a settings of its own.
    pub(crate) async fn with(change: impl FnOnce(&mut ApiSettings)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config: Config =
            toml::from_str(&format!("state_directory = {:?}", folder.path())).expect("a configuration");
        let mut settings = ApiSettings::of(&config);
        change(&mut settings);
        Self::over(&config, folder, settings).await
    }

    /// One whose store is a file below `state`, whatever the job asks for.
    pub(crate) async fn in_a_file(state: &std::path::Path) -> Self {
        let config: Config = toml::from_str(&format!("state_directory = {state:?}")).expect("a configuration");
        let folder = tempfile::tempdir().expect("a folder");
        Self::on(None, &config, folder, ApiSettings::of(&config)).await
    }

    async fn over(config: &Config, folder: tempfile::TempDir, settings: ApiSettings) -> Self {
        let database = ashlar_lab::postgres::asked_for().expect("the job's server");
        Self::on(database, config, folder, settings).await
    }

    async fn on(
        database: Option<ashlar_lab::postgres::Database>,
        config: &Config,
        folder: tempfile::TempDir,
        settings: ApiSettings,
    ) -> Self {
        let location = database.as_ref().map_or_else(
            || config.store_location(),
            |database| {
                Location::Postgres(PostgresLocation {
                    url: database.url(),
                    password_file: Some(database.address().password_file().to_owned()),
                })
            },
        );
        let store = Store::open(&location).await.expect("a store");
        let intake = Intake::new(store.clone(), config).expect("an intake");
        let api = ApiState::new(intake, settings);
        Self { store, router: router(api.clone()), api, _folder: folder, _database: database }
    }

    /// Has a backend report one pool of 100 GiB, as its host would.
    pub(crate) async fn report(&self, backend: &str) {
        let backend: BackendName = backend.parse().expect("a name");
        let now = Timestamp::now();
        let driver = DriverInfo {
            name: "local".to_owned(),
            version: "1.0.0".to_owned(),
            vendor_name: "Ashlar".to_owned(),
            storage_protocol: "local".to_owned(),
        };
        let size = Capacity::Known(ByteCount::from_gib(100).expect("small"));
        let pool = PoolStats {
            name: "all".parse().expect("a name"),
            total: size,
            free: size,
            allocated: Capacity::Known(ByteCount::ZERO),
            reserved_percentage: 0,
            max_over_subscription_ratio: 1.0,
            provisioning: Provisioning::Thick,
            thin_metadata_free_percentage: None,
            filter_function: None,
            goodness_function: None,
        };
        let mut tx = self.store.write().await.expect("a transaction");
        let joining = Joining {
            backend: &backend,
            holder: "test",
            volume_backend_name: backend.as_str(),
            availability_zone: "nova",
            lease: Duration::from_secs(60),
            gone: &[],
            now,
        };
        let epoch = tx.join(&joining).await.expect("an answer").expect("a seat");
        let moment = tx.renew(&backend, epoch, now).await.expect("a member");
        let capabilities = Capabilities { online_extend: true, revert: true, ..Capabilities::default() };
        tx.heartbeat(&backend, &driver, capabilities, now).await.expect("alive");
        tx.report_pools(&backend, &BackendStats { pools: vec![pool] }, Asked { moment, at: now })
            .await
            .expect("reported");
        tx.commit().await.expect("committed");
    }

    /// A volume of 1 GiB that is there, as if its host had made it. The backend `fast` must have reported.
    pub(crate) async fn available(&self, name: &str) -> String {
        let made = self.post("/v3/demo/volumes", json!({ "volume": { "size": 1, "name": name } })).await.expect(202);
        let id = made["volume"]["id"].as_str().expect("an id").to_owned();
        let key: VolumeId = id.parse().expect("an id");
        let mut tx = self.store.write().await.expect("a transaction");
        let mut volume = tx.volume(key).await.expect("read").expect("there");
        volume.state = VolumeState::Available;
        tx.update_volume(&mut volume, Timestamp::now()).await.expect("written");
        tx.commit().await.expect("committed");
        id
    }

    /// So many more volumes like that one, in one transaction.
    pub(crate) async fn copies(&self, volume: &str, count: usize) {
        let mut tx = self.store.write().await.expect("a transaction");
        let key: VolumeId = volume.parse().expect("an id");
        let mut volume = tx.volume(key).await.expect("read").expect("there");
        for _ in 0..count {
            volume.id = VolumeId::new();
            tx.insert_volume(&volume).await.expect("written");
        }
        tx.commit().await.expect("committed");
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 16 << 20).await.expect("a body");
        Answer { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).expect("UTF-8") }
    }

    /// Sends a body as it is, with a microversion.
    pub(crate) async fn raw(&self, method: &str, path: &str, version: &str, body: Option<String>) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "127.0.0.1:8776")
            .header("OpenStack-API-Version", format!("volume {version}"));
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        self.send(request.body(body.map_or_else(Body::empty, Body::from)).expect("a request")).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.raw("GET", path, "latest", None).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.raw("DELETE", path, "latest", None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.raw("POST", path, "latest", Some(body.to_string())).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.raw("PUT", path, "latest", Some(body.to_string())).await
    }

    /// All that the store holds, as text: equal before and after what changes nothing.
    pub(crate) async fn contents(&self) -> String {
        let mut tx = self.store.read().await.expect("a transaction");
        let all = Listing { limit: 10_000, ..Listing::default() };
        format!(
            "{:#?}",
            (
                tx.list_volumes(&all).await.expect("volumes"),
                tx.list_snapshots(&all).await.expect("snapshots"),
                tx.list_attachments(&all).await.expect("attachments"),
                tx.list_messages(&all).await.expect("messages"),
                tx.volume_types().await.expect("types"),
                tx.operation_counts().await.expect("operations"),
                tx.hosts().await.expect("hosts"),
            )
        )
    }
}
