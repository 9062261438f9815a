//! Serving a backend.

use std::io::{self, Read};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    lock,
    main::{Configured, DriverProgram, FENCED, Failure, UNUSABLE, open},
    mortality::Mortality,
};
use crate::{
    chain::chain,
    manager::{ImageStore, Worker},
    store::{Store, hosts::Takeover},
    wakeup::{Bell, Ear, Sleeper},
};

pub(super) async fn run<P: DriverProgram>(
    configured: Configured<P>,
    until_stdin_closes: bool,
    mortality: &Mortality,
) -> Result<(), Failure> {
    let unusable = |what: &str, error: &dyn std::error::Error| Failure(format!("{what}: {}", chain(error)), UNUSABLE);
    let (config, backend, section) = (configured.config.clone(), configured.name.clone(), configured.backend.clone());
    let run_directory = config.run_directory();
    config.make_directories().map_err(|error| unusable("run directory", &error))?;
    let stop = stop_signal(until_stdin_closes).map_err(|error| unusable("signals", &error))?;

    let lock = tokio::select! {
        lock = lock::acquire(&run_directory, &backend) => lock.map_err(|error| unusable("lock", &error))?,
        () = stop.cancelled() => return Ok(()),
    };
    let store = Store::open(&config.store_location()).await.map_err(|error| unusable("store", &error))?;
    let store = mortality.of(store);
    let driver = open::<P>(configured).await?;
    let holder = format!("{}:{}", rustix::system::uname().nodename().to_string_lossy(), std::process::id());
    let zone = section.availability_zone.as_deref().unwrap_or(&config.api.availability_zone);
    let takeover = Takeover {
        backend: &backend,
        holder: &holder,
        volume_backend_name: section.volume_backend_name.as_deref().unwrap_or(backend.as_str()),
        availability_zone: zone,
        now: store.now(),
    };
    let epoch = take_over(&store, &takeover).await.map_err(|error| unusable("store", &error))?;
    let ear = Ear::bind(&run_directory, &Sleeper::Host(backend.clone())).map_err(|error| unusable("socket", &error))?;
    let bell = Bell::new(&run_directory).map_err(|error| unusable("run directory", &error))?;
    tracing::info!(%backend, epoch, driver = P::info().name, "serving");

    let worker = Worker {
        store: store.clone(),
        driver,
        backend,
        epoch,
        images: config.images.map(|images| ImageStore::new(images.directory)),
        settings: config.host,
        bell,
        stop,
    };
    let tasks = TaskTracker::new();
    let (reporter, cleaner, reconciler) = (worker.clone(), worker.clone(), worker.clone());
    tasks.spawn(async move { reporter.publish_stats().await });
    tasks.spawn(async move { cleaner.clean_up().await });
    tasks.spawn(async move { reconciler.reconcile().await });
    let ended = worker.run(&ear).await;
    tasks.close();
    tasks.wait().await;
    store.close().await;
    drop(lock);
    ended.map_err(|error| Failure(chain(&error), FENCED))
}

async fn take_over(store: &Store, takeover: &Takeover<'_>) -> Result<u64, crate::store::Error> {
    let mut tx = store.write().await?;
    let epoch = tx.take_over(takeover).await?;
    tx.commit().await?;
    Ok(epoch)
}

/// Fires on SIGTERM, SIGINT, and where asked for, at the end of standard input.
pub(super) fn stop_signal(until_stdin_closes: bool) -> io::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let fired = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        fired.cancel();
    });
    if until_stdin_closes {
        let fired = stop.clone();
        // A thread of its own: the runtime would wait for a blocked read when it ends.
        std::thread::Builder::new().name("stdin".to_owned()).spawn(move || {
            let mut nothing = [0_u8; 64];
            while io::stdin().read(&mut nothing).is_ok_and(|read| read > 0) {}
            fired.cancel();
        })?;
    }
    Ok(stop)
}
