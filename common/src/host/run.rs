//! Serving a backend.

use std::{
    io::{self, Read},
    sync::Arc,
    time::Duration,
};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    compare::COMPARE_TIMEOUT,
    lock::Seat,
    main::{Configured, DriverProgram, FENCED, Failure, UNUSABLE, open},
    neighbours,
    standby::{Entered, Others, Standby},
    watchdog::Watchdog,
};
use crate::{
    chain::chain,
    config::{self, Config},
    driver::{Driver, OpCtx},
    ids::BackendName,
    manager::{ImageStore, Membership, OperatorFunctions, Worker, reconcile},
    store::{Store, members::Joining},
    wakeup::{Bell, Ear, Sleeper},
};

/// Leaving may take no longer: the lease runs out by itself.
const LEAVE: Duration = Duration::from_secs(5);

pub(super) async fn run<P: DriverProgram>(configured: Configured<P>, until_stdin_closes: bool) -> Result<(), Failure> {
    let (config, backend, section) = (configured.config.clone(), configured.name.clone(), configured.backend.clone());
    config.make_directories().map_err(|error| unusable("run directory", &error))?;
    let stop = stop_signal(until_stdin_closes).map_err(|error| unusable("signals", &error))?;
    let store = Store::open(&config.store_location()).await.map_err(|error| unusable("store", &error))?;

    let entered = tokio::select! {
        entered = enter(&store, &config, &backend, &section) => entered.map_err(|error| unusable("lock", &error))?,
        () = stop.cancelled() => return Ok(()),
    };
    let Entered { seat, epoch, lease } = entered;
    let membership = Membership { store: store.clone(), backend, epoch, lease, stop };
    let watchdog = Watchdog::start(membership.lease.clone(), membership.stop.clone());
    let watchdog = watchdog.map_err(|error| unusable("watchdog", &error))?;
    let (over, keeper) = (CancellationToken::new(), membership.clone());
    let kept = over.clone();
    let keeping = tokio::spawn(async move { keeper.keep(&kept).await });

    // The lease is kept while the backend is opened, which may take long, and until the last call has ended.
    let served = match open::<P>(configured).await {
        Ok(driver) => serve(&config, &membership, driver, OperatorFunctions::of(&section), &seat).await,
        Err(failure) => Err(failure),
    };
    let lost = !membership.lease.holds();
    over.cancel();
    let _ = keeping.await;
    drop(watchdog);
    if let Ok(Err(error)) = tokio::time::timeout(LEAVE, membership.leave()).await {
        tracing::warn!(
            error = chain(&error),
            "cannot say that this host has ended; others wait for its lease to run out"
        );
    }
    store.close().await;
    drop(seat);
    match served {
        Ok(()) if lost => Err(Failure("the lease is over; another host may have the backend".to_owned(), FENCED)),
        served => served,
    }
}

fn unusable(what: &str, error: &dyn std::error::Error) -> Failure {
    Failure(format!("{what}: {}", chain(error)), UNUSABLE)
}

async fn enter(
    store: &Store,
    config: &Config,
    backend: &BackendName,
    section: &config::Backend,
) -> io::Result<Entered> {
    let holder = format!("{}:{}", rustix::system::uname().nodename().to_string_lossy(), std::process::id());
    let joining = Joining {
        backend,
        holder: &holder,
        volume_backend_name: section.volume_backend_name.as_deref().unwrap_or(backend.as_str()),
        availability_zone: section.availability_zone.as_deref().unwrap_or(&config.api.availability_zone),
        lease: config.host.lease(),
        gone: &[],
        now: store.now(),
    };
    let run_directory = config.run_directory();
    Standby { store, run_directory: &run_directory, joining, others: Others::default() }.enter().await
}

/// Works until stopped or fenced. All calls have ended when this returns.
async fn serve(
    config: &Config,
    membership: &Membership,
    driver: Arc<dyn Driver>,
    functions: OperatorFunctions,
    seat: &Seat,
) -> Result<(), Failure> {
    let (run_directory, backend) = (config.run_directory(), &membership.backend);
    let seats = driver.active_active().map_or(1, |several| several.max_hosts().max(1));
    match membership.offer_seats(seats).await {
        Ok(true) => {}
        Ok(false) => {
            let text =
                format!("backend {backend} is configured here for {seats} hosts at a time; there are more already");
            return Err(Failure(text, UNUSABLE));
        }
        Err(error) => return Err(unusable("store", &error)),
    }
    let sleeper = Sleeper::Host(backend.clone());
    let ear = Ear::bind_seat(&run_directory, &sleeper, seat.number()).map_err(|error| unusable("socket", &error))?;
    let ear = ear.with(&membership.store, &sleeper);
    let bell = Bell::new(&run_directory).map_err(|error| unusable("run directory", &error))?.with(&membership.store);
    tracing::info!(%backend, epoch = membership.epoch, driver = driver.info().name, seats, "serving");

    let worker = Worker {
        store: membership.store.clone(),
        driver,
        backend: backend.clone(),
        epoch: membership.epoch,
        lease: membership.lease.clone(),
        images: config.images.as_ref().map(|images| ImageStore::new(images.directory.clone())),
        settings: config.host.clone(),
        functions,
        bell,
        stop: membership.stop.clone(),
    };
    let tasks = TaskTracker::new();
    let (reporter, cleaner, comparer) = (worker.clone(), worker.clone(), worker.clone());
    tasks.spawn(async move { reporter.publish_stats().await });
    tasks.spawn(async move { cleaner.clean_up().await });
    tasks.spawn(async move { compare(&comparer).await });
    if seats > 1 {
        let (watcher, neighbour, number) = (membership.clone(), membership.clone(), seat.number());
        tasks.spawn(async move { watcher.watch_others().await });
        tasks.spawn(async move { neighbours::watch(&neighbour, &run_directory, number).await });
    }
    let ended = worker.run(&ear).await;
    tasks.close();
    tasks.wait().await;
    ended.map_err(|error| Failure(chain(&error), FENCED))
}

/// Says where records and backend differ; people decide what to do about it.
async fn compare(worker: &Worker) {
    let ctx = OpCtx::new(worker.store.id(), COMPARE_TIMEOUT, worker.stop.child_token()).under(worker.lease.clone());
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
