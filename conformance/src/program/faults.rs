//! Which programs a case started, and what they did wrong: a case that expects errors must not pass on a broken program.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use super::link::Link;

tokio::task_local! {
    static STARTED: Started;
}

/// The programs that a case started.
type Started = Arc<Mutex<Vec<Arc<Link>>>>;

/// Runs a case; what it answers, and the faults of the programs that it started.
pub async fn watched<T>(case: impl Future<Output = T>) -> (T, Vec<String>) {
    let started = Started::default();
    let answer = STARTED.scope(Arc::clone(&started), case).await;
    let started = started.lock().unwrap_or_else(PoisonError::into_inner);
    (answer, started.iter().filter_map(|link| link.fault()).collect())
}

/// Notes a program for the case that is under way, where there is one.
pub(super) fn note(link: &Arc<Link>) {
    let _no_case = STARTED.try_with(|started| {
        started.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(link));
    });
}
