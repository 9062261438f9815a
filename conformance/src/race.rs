//! Calls at the same instant.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Barrier, Notify};

use crate::{
    outcome::{Held, Stop},
    stage::Stage,
    steps::Act,
};

/// How late a call comes to its first effect: longer than another takes altogether.
const LATE: Duration = Duration::from_millis(250);

/// A call that is about to be made.
pub type Call<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Makes all these calls at once, each in a task of its own, and answers in their order.
///
/// # Errors
/// One of them panicked.
pub async fn all<T: Send + 'static>(calls: Vec<Call<T>>) -> Held<Vec<T>> {
    let start = Arc::new(Barrier::new(calls.len()));
    let begin = |call: Call<T>| {
        let start = Arc::clone(&start);
        tokio::spawn(async move {
            start.wait().await;
            call.await
        })
    };
    let under_way: Vec<_> = calls.into_iter().map(begin).collect();
    let mut answers = Vec::new();
    for call in under_way {
        answers.push(call.await.map_err(panicked)?);
    }
    Ok(answers)
}

/// Makes two different calls at once.
///
/// # Errors
/// One of them panicked.
pub async fn both<A, B>(
    first: impl Future<Output = A> + Send + 'static,
    second: impl Future<Output = B> + Send + 'static,
) -> Held<(A, B)>
where
    A: Send + 'static,
    B: Send + 'static,
{
    let start = Arc::new(Barrier::new(2));
    let other = Arc::clone(&start);
    let first = tokio::spawn(async move {
        start.wait().await;
        first.await
    });
    let second = tokio::spawn(async move {
        other.wait().await;
        second.await
    });
    Ok((first.await.map_err(panicked)?, second.await.map_err(panicked)?))
}

/// Makes two calls at once. Where the site knows steps, the second comes while the first is about to have its first
/// effect: a meeting that chance would seldom bring about.
///
/// # Errors
/// One of them panicked.
pub async fn meet<A, B>(
    stage: &Stage,
    late: &'static str,
    first: impl Future<Output = A> + Send + 'static,
    second: impl Future<Output = B> + Send + 'static,
) -> Held<(A, B)>
where
    A: Send + 'static,
    B: Send + 'static,
{
    let Some(steps) = stage.site.steps() else { return both(first, second).await };
    let there = Arc::new(Notify::new());
    let (told, met) = (Arc::clone(&there), AtomicBool::new(false));
    steps.watch(move |step| {
        if step.call != late || met.swap(true, Ordering::AcqRel) {
            return Act::Go;
        }
        told.notify_one();
        Act::Delay(LATE)
    });
    let mut first = tokio::spawn(first);
    let early = tokio::select! {
        answer = &mut first => Some(answer),
        () = there.notified() => None,
    };
    let second = tokio::spawn(second).await;
    let first = match early {
        Some(answer) => answer,
        None => first.await,
    };
    steps.leave();
    Ok((first.map_err(panicked)?, second.map_err(panicked)?))
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to `map_err`")]
fn panicked(error: tokio::task::JoinError) -> Stop {
    Stop::failed(format!("a call did not end well: {error}"))
}
