//! Being told to stop, by Ctrl-C or by another program.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// Whether somebody asked this program to stop. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

/// What [`Stop::poll`] found.
pub enum Polled<T> {
    /// There it is.
    Found(T),
    /// Not in time.
    TooLate,
}

impl Stop {
    /// From here on SIGINT, SIGTERM and SIGHUP do not end this program but are remembered.
    ///
    /// # Errors
    /// The system does not let signals be handled.
    pub fn on_signals() -> Result<Self> {
        let stop = Self::default();
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register(signal, Arc::clone(&stop.0)).context("signals cannot be handled")?;
        }
        Ok(stop)
    }

    /// Asks, as a signal does.
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked.
    #[must_use]
    pub fn asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Looks every `pause` until `look` finds something or `limit` is over.
    ///
    /// # Errors
    /// What `look` failed with; or that somebody asked to stop.
    pub fn poll<T>(
        &self,
        pause: Duration,
        limit: Duration,
        mut look: impl FnMut() -> Result<Option<T>>,
    ) -> Result<Polled<T>> {
        let started = Instant::now();
        loop {
            if self.asked() {
                bail!("interrupted");
            }
            if let Some(found) = look()? {
                return Ok(Polled::Found(found));
            }
            if started.elapsed() > limit {
                return Ok(Polled::TooLate);
            }
            std::thread::sleep(pause);
        }
    }
}
