//! The main of a simulated API process.

use std::sync::{Arc, Mutex, PoisonError};

use ashlar_common::{config::Config, manager::Intake, store::Location, wakeup::Sleeper};

use crate::surroundings::Identity;

/// Where the world finds the process's request side once it is up.
pub(crate) type Door = Arc<Mutex<Option<Intake>>>;

/// Opens the store, then listens. Its supervisor starts it again.
pub(crate) async fn main(api: Identity, config: Arc<Config>, location: Location, door: Door) {
    let store = match api.store(&location).await {
        Ok(store) => store,
        Err(error) => return api.fabric.note(&api.name, format_args!("cannot open the store: {error}")),
    };
    let intake = Intake::with_bell(store, &config, api.bell());
    *door.lock().unwrap_or_else(PoisonError::into_inner) = Some(intake.clone());
    api.fabric.note(&api.name, format_args!("is up"));
    let watching = intake.clone();
    tokio::spawn(async move { watching.watch_hosts().await });
    let ear = api.ear(Sleeper::Api);
    intake.listen_with(&ear).await;
}
