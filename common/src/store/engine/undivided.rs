//! Steps that are seen through even where their caller goes away in the middle: on a server a step of a shared transaction
//! takes a message and an answer, and others who share the transaction must know how it stands.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use tokio::runtime::Handle;

use super::location::Location;

type Step<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A step that is taken where it is awaited, and if that is given up, in a task of its own.
pub(super) struct Undivided<T: Send + 'static> {
    step: Option<Step<T>>,
    on_server: bool,
}

/// Sees `step` through, where it is one of a server.
pub(super) fn undivided<T: Send + 'static>(
    location: &Location,
    step: impl Future<Output = T> + Send + 'static,
) -> Undivided<T> {
    Undivided { step: Some(Box::pin(step)), on_server: matches!(location, Location::Postgres(_)) }
}

impl<T: Send + 'static> Future for Undivided<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let step = self.step.as_mut().expect("nobody polls after the end");
        let outcome = step.as_mut().poll(context);
        if outcome.is_ready() {
            self.step = None;
        }
        outcome
    }
}

impl<T: Send + 'static> Drop for Undivided<T> {
    fn drop(&mut self) {
        let Some(step) = self.step.take().filter(|_| self.on_server) else { return };
        // Without a runtime nobody waits for anything any more.
        if let Ok(runtime) = Handle::try_current() {
            drop(runtime.spawn(async move { drop(step.await) }));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicU32, Ordering},
        },
        time::Duration,
    };

    use super::undivided;
    use crate::store::{Location, PostgresLocation};

    #[tokio::test(start_paused = true)]
    async fn a_step_that_is_given_up_goes_on_to_its_end() {
        let server = Location::Postgres(PostgresLocation { url: String::new(), password_file: None });
        let ended = Arc::new(AtomicU32::new(0));
        let step = |ended: Arc<AtomicU32>| async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            ended.fetch_add(1, Ordering::Relaxed)
        };
        assert_eq!(undivided(&server, step(Arc::clone(&ended))).await, 0);
        let given_up = undivided(&server, step(Arc::clone(&ended)));
        assert!(tokio::time::timeout(Duration::from_millis(1), given_up).await.is_err());
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(ended.load(Ordering::Relaxed), 2);
    }
}
