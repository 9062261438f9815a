//! A connection to a server, and what travels on it.
//!
//! It moves only while somebody waits for an answer, in the task of whoever waits: a task of its own would cost each
//! message a change of threads in either direction.

use std::{
    collections::VecDeque,
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
};

use tokio_postgres::{AsyncMessage, Client, Config, Connection, Error, NoTls, Socket, tls::NoTlsStream};

/// An answer that is on its way.
pub(crate) type Answer<T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>;

/// Notifications that wait to be looked at, at most. Each says the same as the one before: look what there is to do.
const HEARD: usize = 1024;

/// A connection to a server.
pub(crate) struct Wire {
    client: Arc<Client>,
    /// Gone once it has ended: who still waits for answers learns it by that.
    traffic: Option<Connection<Socket, NoTlsStream>>,
    /// Why it ended, until told.
    lost: Option<Error>,
    /// What the server passed on, as it was told.
    heard: VecDeque<String>,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Wire").field("ended", &self.traffic.is_none()).finish_non_exhaustive()
    }
}

impl Wire {
    /// Connects.
    ///
    /// # Errors
    /// When the server cannot be reached, or refuses.
    pub(crate) async fn connect(config: &Config) -> Result<Self, Error> {
        let (client, traffic) = config.connect(NoTls).await?;
        Ok(Self { client: Arc::new(client), traffic: Some(traffic), lost: None, heard: VecDeque::new() })
    }

    /// What requests are made with.
    pub(crate) fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// Sends and receives until the answer is there.
    ///
    /// # Errors
    /// What the server said, or why the connection was lost.
    pub(crate) async fn until<T>(&mut self, answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let mut answer = pin!(answer);
        let outcome = poll_fn(|context| {
            // Before anything is sent, so that there is something to send.
            if let Poll::Ready(outcome) = answer.as_mut().poll(context) {
                return Poll::Ready(outcome);
            }
            self.exchange(context);
            answer.as_mut().poll(context)
        })
        .await;
        // Whoever waits hears only that it is closed.
        outcome.map_err(|error| match self.lost.take() {
            Some(lost) if error.is_closed() => lost,
            _ => error,
        })
    }

    /// The next notification, when it comes; nothing once the connection has ended.
    pub(crate) async fn heard(&mut self) -> Option<String> {
        poll_fn(|context| {
            self.exchange(context);
            match self.heard.pop_front() {
                Some(heard) => Poll::Ready(Some(heard)),
                None if self.traffic.is_none() => Poll::Ready(None),
                None => Poll::Pending,
            }
        })
        .await
    }

    /// Says goodbye.
    pub(crate) async fn close(self) {
        let Self { client, traffic, .. } = self;
        drop(client);
        if let Some(traffic) = traffic {
            // Whether it heard that, the server finds out anyway.
            let _ = traffic.await;
        }
    }

    fn exchange(&mut self, context: &mut Context<'_>) {
        while let Some(traffic) = &mut self.traffic {
            match traffic.poll_message(context) {
                Poll::Pending => return,
                Poll::Ready(Some(Ok(AsyncMessage::Notification(told)))) if self.heard.len() < HEARD => {
                    self.heard.push_back(told.payload().to_owned());
                }
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(error))) => (self.lost, self.traffic) = (Some(error), None),
                Poll::Ready(None) => self.traffic = None,
            }
        }
    }
}

/// Puts the request into the line of those that wait to be sent, before those that are made later.
pub(crate) fn asked<T: Send + 'static>(answer: impl Future<Output = Result<T, Error>> + Send + 'static) -> Answer<T> {
    let mut answer: Answer<T> = Box::pin(answer);
    match answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => Box::pin(std::future::ready(outcome)),
        Poll::Pending => answer,
    }
}
