//! A simulated process: a runtime of its own with a clock that is held, so that it can stand still, and die with all its
//! tasks at any moment.

use std::{future::Future, io, time::Duration};

use tokio::runtime::{Builder, Handle, Runtime};

/// Turns that a process gets in one step; enough for what one event sets off, and whatever is left waits for the next step.
const TURNS: u32 = 3;

/// A running process.
#[derive(Debug)]
pub(crate) struct Process {
    runtime: Runtime,
    /// The world's time that its own clock stands at.
    clock: Duration,
    /// It stands still until then.
    pub(crate) stands_until: Duration,
}

impl Process {
    /// Starts a process, whose clock goes with the world's from now on.
    pub(crate) fn start(
        now: Duration,
        main: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<(Self, tokio::task::JoinHandle<()>)> {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build()?;
        let task = runtime.spawn(main);
        Ok((Self { runtime, clock: now, stands_until: Duration::ZERO }, task))
    }

    /// Where requests are made.
    pub(crate) fn handle(&self) -> &Handle {
        self.runtime.handle()
    }

    /// Catches up with the world's time, and does what is to be done. Time never passes by itself: this returns when
    /// everything waits, or after a while.
    pub(crate) fn step(&mut self, now: Duration) {
        let elapsed = now.saturating_sub(self.clock);
        self.clock = self.clock.max(now);
        self.runtime.block_on(async {
            if elapsed > Duration::ZERO {
                tokio::time::advance(elapsed).await;
            }
            for _ in 0..TURNS {
                tokio::task::yield_now().await;
            }
        });
    }
}
