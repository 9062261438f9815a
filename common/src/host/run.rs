//! Serving a backend.

use std::{
    io::{self, Read},
    time::Duration,
};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    compare::COMPARE_TIMEOUT,
    lock,
    main::{Configured, DriverProgram, FENCED, Failure, UNUSABLE, open},
};
use crate::{
    chain::chain,
    driver::OpCtx,
    manager::{ImageStore, OperatorFunctions, Worker, reconcile},
    store::{
        Store,
        members::{Gone, Joining},
    },
    wakeup::{Bell, Ear, Sleeper},
};

pub(super) async fn run<P: DriverProgram>(configured: Configured<P>, until_stdin_closes: bool) -> Result<(), Failure> {
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
    let driver = open::<P>(configured).await?;
    let holder = format!("{}:{}", rustix::system::uname().nodename().to_string_lossy(), std::process::id());
    let zone = section.availability_zone.as_deref().unwrap_or(&config.api.availability_zone);
    let joining = Joining {
        backend: &backend,
        holder: &holder,
        volume_backend_name: section.volume_backend_name.as_deref().unwrap_or(backend.as_str()),
        availability_zone: zone,
        lease: Duration::from_secs(6),
        gone: &[],
        now: store.now(),
    };
    let epoch = take_over(&store, joining).await.map_err(|error| unusable("store", &error))?;
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
        functions: OperatorFunctions::of(&section),
        bell,
        stop,
    };
    let tasks = TaskTracker::new();
    let (reporter, cleaner, comparer) = (worker.clone(), worker.clone(), worker.clone());
    tasks.spawn(async move { reporter.publish_stats().await });
    tasks.spawn(async move { cleaner.clean_up().await });
    tasks.spawn(async move { compare(&comparer).await });
    let ended = worker.run(&ear).await;
    tasks.close();
    tasks.wait().await;
    store.close().await;
    drop(lock);
    ended.map_err(|error| Failure(chain(&error), FENCED))
}

async fn take_over(store: &Store, joining: Joining<'_>) -> Result<u64, crate::store::Error> {
    let mut tx = store.write().await?;
    let others = tx.members_of(joining.backend).await?;
    let gone: Vec<Gone> = others.iter().map(|member| Gone::Ended { epoch: member.epoch }).collect();
    let epoch = tx.join(&Joining { gone: &gone, ..joining }).await?.expect("all others are fenced");
    tx.commit().await?;
    Ok(epoch)
}

/// Says where records and backend differ; people decide what to do about it.
async fn compare(worker: &Worker) {
    let ctx = OpCtx::new(worker.store.id(), COMPARE_TIMEOUT, worker.stop.child_token());
    match reconcile::differences(&worker.store, worker.driver.as_ref(), &worker.backend, &ctx).await {
        Ok(found) if found.is_empty() => tracing::info!(backend = %worker.backend, "records and backend agree"),
        Ok(found) => tracing::warn!(backend = %worker.backend, ?found, "records and backend differ"),
        Err(error) => tracing::warn!(backend = %worker.backend, %error, "records and backend not compared"),
    }
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
