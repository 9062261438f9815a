//! A process within the test: its own runtime and its own handle on the store, gone whole when it comes to a point of death.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::{runtime::Builder, sync::Notify, time::Instant};

use crate::{
    points::Point,
    store::{Director, Location, Simulated, Store, Surroundings},
};

/// A life that takes longer does not come to its point.
const PATIENCE: Duration = Duration::from_secs(60);

/// Lets nobody past a point.
#[derive(Debug)]
struct Reaper {
    point: Point,
    came: Arc<Notify>,
}

#[async_trait]
impl Director for Reaper {
    async fn reached(&self, point: Point) {
        if point == self.point {
            self.came.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

/// Runs `life` until it comes to `point`, where it ends: tasks, connections and open transactions with it.
pub(super) async fn dies<F: Future>(location: Location, point: Point, life: impl FnOnce(Store) -> F + Send + 'static) {
    let process = move || {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let came = Arc::new(Notify::new());
            let surroundings = surroundings(Reaper { point, came: Arc::clone(&came) });
            let store = Store::open(&location).await.expect("a store").within(surroundings);
            tokio::select! {
                () = came.notified() => {}
                _ = life(store) => panic!("it ended before it came to {point}"),
                () = tokio::time::sleep(PATIENCE) => panic!("it never came to {point}"),
            }
        });
    };
    tokio::task::spawn_blocking(process).await.expect("it dies where it should");
}

fn surroundings(reaper: Reaper) -> Surroundings {
    Surroundings::Simulated(Simulated {
        epoch: Timestamp::now(),
        since: Instant::now(),
        skew: Arc::default(),
        random: Mutex::new(fastrand::Rng::new()),
        director: Box::new(reaper),
        link: None,
    })
}
