//! `ashlar serve`: the API, and a host for each backend where no other process has them.

use std::{ffi::OsStr, net::SocketAddr, path::Path, time::Duration};

use anyhow::{Context, Result};
use ashlar_common::{
    config::Config,
    host::LogFormat,
    manager::Intake,
    store::{Store, records::TypeRecord},
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    api::{self, ApiSettings, ApiState},
    http,
    supervisor::{self, Launch},
};

/// How long requests under way may take once the service is told to stop.
const GRACE: Duration = Duration::from_secs(10);

/// What the command line says.
#[derive(Clone, Copy, Debug)]
pub struct Orders<'a> {
    /// The configuration file.
    pub config: &'a Path,
    /// Where drivers are looked for besides beside this program: a `PATH`.
    pub search: &'a OsStr,
    /// What is logged.
    pub log: &'a str,
    /// How it is logged.
    pub log_format: LogFormat,
    /// Where to listen, if not where the file says.
    pub listen: Option<SocketAddr>,
    /// Whether to start a host for each backend. Without, this is one more API process beside another service.
    pub hosts: bool,
}

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// When the configuration, the store, the address or a driver executable cannot be used.
pub async fn serve(orders: Orders<'_>) -> Result<()> {
    let config = Config::load_with(orders.config, |config| {
        config.api.listen = orders.listen.unwrap_or(config.api.listen);
    })?;
    let stop = CancellationToken::new();
    config.make_directories().context("the state directory cannot be made")?;
    let store = Store::open(&config.store_location()).await.context("the store cannot be opened")?;
    ensure_default_type(&store, &config.api.default_volume_type).await.context("the store cannot be written")?;
    let intake = Intake::new(store.clone(), &config).context("the run directory cannot be used")?;
    let listener = http::listen(config.api.listen, config.api.limits.connections as usize)
        .with_context(|| format!("cannot listen on {}: is another service there?", config.api.listen))?;

    let (ear, run_directory) = (intake.clone(), config.run_directory());
    let listening = tokio::spawn(async move {
        if let Err(error) = ear.listen(&run_directory).await {
            tracing::warn!(%error, "wake-ups of hosts are not heard; answers that wait for one come by polling");
        }
    });
    let watcher = intake.clone();
    let watching = tokio::spawn(async move { watcher.watch_hosts().await });
    let hosts = start_hosts(&config, &orders, &stop)?;
    let api = ApiState::new(intake, ApiSettings::of(&config));
    tracing::info!(address = %listener.local_addr()?, hosts = hosts.len(), "serving");

    let server = http::serve(listener, api::router(api.clone()), api.connections().clone(), stop.clone());
    let server = tokio::spawn(server);
    told_to_stop().await?;
    tracing::info!("stopping");
    stop.cancel();
    match tokio::time::timeout(GRACE, server).await {
        Ok(joined) => joined?,
        Err(_) => tracing::warn!("some requests were cut off after {} s", GRACE.as_secs()),
    }
    hosts.wait().await;
    listening.abort();
    watching.abort();
    store.close().await;
    tracing::info!("stopped");
    Ok(())
}

fn start_hosts(config: &Config, orders: &Orders<'_>, stop: &CancellationToken) -> Result<TaskTracker> {
    if !orders.hosts {
        let none = TaskTracker::new();
        none.close();
        return Ok(none);
    }
    let file = orders.config.canonicalize()?;
    let launch = Launch { config: &file, search: orders.search, log: orders.log, log_format: orders.log_format };
    supervisor::start(config, &launch, stop)
}

async fn told_to_stop() -> Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// Every volume has a type; this is the one of those that ask for none.
async fn ensure_default_type(store: &Store, name: &str) -> Result<(), ashlar_common::store::Error> {
    let mut tx = store.write().await?;
    if tx.volume_type_named(name).await?.is_none() {
        let kind = TypeRecord {
            id: store.id(),
            name: name.to_owned(),
            description: Some("Default Volume Type".to_owned()),
            is_public: true,
            extra_specs: std::collections::BTreeMap::new(),
            created_at: store.now(),
            updated_at: None,
        };
        tx.insert_type(&kind).await?;
        tx.commit().await?;
    }
    Ok(())
}
