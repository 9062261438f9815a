//! Calls at the same instant.

use std::{future::Future, pin::Pin, sync::Arc};

use tokio::sync::Barrier;

use crate::outcome::{Held, Stop};

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

#[expect(clippy::needless_pass_by_value, reason = "it is given to `map_err`")]
fn panicked(error: tokio::task::JoinError) -> Stop {
    Stop::failed(format!("a call did not end well: {error}"))
}
