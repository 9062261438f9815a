//! The main of a simulated host: what a driver program does, with the library's own parts.

use std::{sync::Arc, time::Duration};

use ashlar_common::{
    config::Config,
    ids::BackendName,
    manager::Worker,
    store::{
        Error, Location, Store,
        members::{Gone, Joining},
    },
    wakeup::Sleeper,
};
use tokio_util::sync::CancellationToken;

use crate::{backend::driver::ModelDriver, surroundings::Identity};

const LEASE: Duration = Duration::from_secs(6);
const LOCK_POLL: Duration = Duration::from_millis(200);

/// Waits for the backend, and serves it until fenced. Its supervisor starts it again.
pub(crate) async fn main(host: Identity, backend: BackendName, config: Arc<Config>, location: Location) {
    lock(&host, &backend).await;
    let ended = serve(&host, &backend, &config, &location).await;
    host.fabric.note(&host.name, format_args!("ends: {}", ended.err().map_or("stopped".into(), |e| e.to_string())));
}

/// The lock that only one process of a machine holds, until it is dead.
async fn lock(host: &Identity, backend: &BackendName) {
    loop {
        {
            let mut inner = host.fabric.inner();
            if !inner.locks.contains_key(backend) {
                inner.locks.insert(backend.clone(), host.place);
                return;
            }
        }
        tokio::time::sleep(LOCK_POLL).await;
    }
}

async fn serve(host: &Identity, backend: &BackendName, config: &Config, location: &Location) -> Result<(), Error> {
    let store = host.store(location).await?;
    let Some(epoch) = join(host, backend, &store).await? else { return Ok(()) };
    host.fabric.note(&host.name, format_args!("serves {backend} under epoch {epoch}"));
    let multi_attach = host.fabric.inner().backends.get(backend).is_some_and(|content| content.plan.multi_attach);
    let worker = Worker {
        store,
        driver: Arc::new(ModelDriver { host: host.clone(), backend: backend.clone(), multi_attach }),
        backend: backend.clone(),
        epoch,
        images: None,
        settings: config.host.clone(),
        bell: host.bell(),
        stop: CancellationToken::new(),
    };
    let ear = host.ear(Sleeper::Host(backend.clone()));
    let reporter = worker.clone();
    tokio::spawn(async move { reporter.publish_stats().await });
    worker.run(&ear).await
}

/// Becomes the backend's member. Whoever was one before has ended: this process has the lock.
async fn join(host: &Identity, backend: &BackendName, store: &Store) -> Result<Option<u64>, Error> {
    let mut tx = store.write().await?;
    let gone: Vec<Gone> =
        tx.members_of(backend).await?.iter().map(|member| Gone::Ended { epoch: member.epoch }).collect();
    let joining = Joining {
        backend,
        holder: &host.name,
        volume_backend_name: backend.as_str(),
        availability_zone: "nova",
        lease: LEASE,
        gone: &gone,
        now: store.now(),
    };
    let epoch = tx.join(&joining).await?;
    tx.commit().await?;
    Ok(epoch)
}
