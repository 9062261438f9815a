//! `ashlar serve`: the API, and a host for each backend.

use std::{ffi::OsStr, future::IntoFuture, path::Path, time::Duration};

use anyhow::{Context, Result};
use ashlar_common::{
    config::Config,
    host::{LogFormat, Mortality},
    manager::Intake,
    store::{Store, records::TypeRecord},
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

use crate::{
    api::{self, ApiSettings, ApiState},
    supervisor::{self, Launch},
};

/// How long requests under way may take once the service is told to stop.
const GRACE: Duration = Duration::from_secs(10);

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// When the configuration, the store, the address or a driver executable cannot be used.
pub async fn serve(file: &Path, search: &OsStr, log: &str, log_format: LogFormat, mortality: &Mortality) -> Result<()> {
    let config = Config::load(file)?;
    let file = file.canonicalize()?;
    let stop = CancellationToken::new();
    config.make_directories().context("the state directory cannot be made")?;
    let store = Store::open(&config.store_location()).await.context("the store cannot be opened")?;
    let store = mortality.of(store);
    ensure_default_type(&store, &config.api.default_volume_type).await.context("the store cannot be written")?;
    let intake = Intake::new(store.clone(), &config).context("the run directory cannot be used")?;
    let listener = TcpListener::bind(config.api.listen)
        .await
        .with_context(|| format!("cannot listen on {}: is another service there?", config.api.listen))?;

    let (ear, run_directory) = (intake.clone(), config.run_directory());
    let listening = tokio::spawn(async move {
        if let Err(error) = ear.listen(&run_directory).await {
            tracing::warn!(%error, "wake-ups of hosts are not heard; answers that wait for one come by polling");
        }
    });
    let hosts = supervisor::start(&config, &Launch { config: &file, search, log, log_format, mortality }, &stop)?;
    let router = api::router(ApiState::new(intake, ApiSettings::of(&config)));
    tracing::info!(address = %listener.local_addr()?, backends = config.backends.len(), "serving");

    let ended = stop.clone();
    let server = axum::serve(listener, router).with_graceful_shutdown(async move { ended.cancelled().await });
    let server = tokio::spawn(server.into_future());
    told_to_stop().await?;
    tracing::info!("stopping");
    stop.cancel();
    match tokio::time::timeout(GRACE, server).await {
        Ok(joined) => joined??,
        Err(_) => tracing::warn!("some requests were cut off after {} s", GRACE.as_secs()),
    }
    hosts.wait().await;
    listening.abort();
    store.close().await;
    tracing::info!("stopped");
    Ok(())
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
