//! Clients at once, each a thread with a connection of its own, and no more threads than that.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow, bail};

use super::connection::Connection;
use crate::stop::Stop;

/// What clients share: which piece of work is next, and whether somebody asked to stop.
#[derive(Debug)]
pub struct Tickets<'a> {
    next: AtomicUsize,
    count: usize,
    stop: &'a Stop,
}

impl<'a> Tickets<'a> {
    /// For `count` pieces of work.
    #[must_use]
    pub fn new(count: usize, stop: &'a Stop) -> Self {
        Self { next: AtomicUsize::new(0), count, stop }
    }

    /// The number of the next piece; `None` when all are taken.
    ///
    /// # Errors
    /// Somebody asked to stop.
    pub fn take(&self) -> Result<Option<usize>> {
        if self.stop.asked() {
            bail!("interrupted");
        }
        Ok(Some(self.next.fetch_add(1, Ordering::Relaxed)).filter(|number| *number < self.count))
    }
}

/// Runs `client` so many times at once, and says what each came to and how long all took. Connections are made before
/// the time begins.
///
/// # Errors
/// What the first client failed with; the others have ended.
pub fn crowd<T: Send>(
    address: SocketAddr,
    clients: usize,
    client: impl Fn(Connection) -> Result<T> + Sync,
) -> Result<(Vec<T>, Duration)> {
    let connections = (0..clients).map(|_| Connection::open(address)).collect::<Result<Vec<_>>>()?;
    let (client, started) = (&client, Instant::now());
    let ended: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = connections.into_iter().map(|open| scope.spawn(move || client(open))).collect();
        threads.into_iter().map(|thread| thread.join().map_err(|_| anyhow!("a client panicked"))?).collect()
    });
    let elapsed = started.elapsed();
    Ok((ended.into_iter().collect::<Result<_>>()?, elapsed))
}

#[cfg(test)]
mod tests {
    use super::Tickets;
    use crate::stop::Stop;

    #[test]
    fn each_piece_of_work_is_given_once() {
        let stop = Stop::default();
        let tickets = Tickets::new(3, &stop);
        let taken: Vec<_> = (0..5).map(|_| tickets.take().unwrap()).collect();
        assert_eq!(taken, [Some(0), Some(1), Some(2), None, None]);
        stop.ask();
        assert!(tickets.take().is_err());
    }
}
