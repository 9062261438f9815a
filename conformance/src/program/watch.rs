//! What happened around a case that the case may not have told: programs that did wrong, clients that are not here.
//! A case that expects errors must not pass on them.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use super::link::Link;

tokio::task_local! {
    static SEEN: Arc<Mutex<Around>>;
}

#[derive(Default)]
struct Around {
    started: Vec<Arc<Link>>,
    missing: Vec<String>,
}

/// What was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// What programs did wrong.
    pub faults: Vec<String>,
    /// What the case needs and is not here.
    pub missing: Vec<String>,
}

/// Runs a case; what it answers, and what was seen around it.
pub async fn watched<T>(case: impl Future<Output = T>) -> (T, Seen) {
    let around = Arc::<Mutex<Around>>::default();
    let answer = SEEN.scope(Arc::clone(&around), case).await;
    let around = around.lock().unwrap_or_else(PoisonError::into_inner);
    let faults = around.started.iter().filter_map(|link| link.fault()).collect();
    let mut missing = around.missing.clone();
    missing.sort();
    missing.dedup();
    (answer, Seen { faults, missing })
}

/// Notes a program for the case that is under way, where there is one.
pub(super) fn started(link: &Arc<Link>) {
    note(|around| around.started.push(Arc::clone(link)));
}

/// Notes that the case under way cannot be played to its end here.
pub(super) fn missing(what: &str) {
    note(|around| around.missing.push(what.to_owned()));
}

fn note(entry: impl FnOnce(&mut Around)) {
    let _no_case = SEEN.try_with(|around| entry(&mut around.lock().unwrap_or_else(PoisonError::into_inner)));
}
