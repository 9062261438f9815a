//! The effects of a driver on its backend, one by one, and what a test may do at each of them.
//!
//! A site whose driver names its effects lets a test kill the host between any two, hold it there, or make the backend
//! fail before or after the effect: what real backends do rarely, at a time that can be chosen.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// One effect that is about to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which host; each start is another.
    pub host: u64,
    /// The driver's call that it belongs to: `create`.
    pub call: &'static str,
    /// Its name, unique in the call: `place`.
    pub name: &'static str,
}

/// What happens at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// The effect, as always.
    Go,
    /// The effect, so much later; the call may be stopped meanwhile.
    Delay(Duration),
    /// The call is cancelled by its caller just before the effect.
    Cancel,
    /// The backend refuses: there is no effect, and the host is told so.
    FailBefore,
    /// There is the effect, and its answer is lost: the host cannot know.
    FailAfter,
    /// The host dies just before the effect.
    DieBefore,
    /// The host dies just after the effect.
    DieAfter,
}

type Watcher = dyn Fn(&Step) -> Act + Send + Sync;

/// Where a test says what happens at each step.
#[derive(Clone, Default)]
pub struct Steps {
    watcher: Arc<Mutex<Option<Arc<Watcher>>>>,
}

impl Steps {
    /// From now on, `watcher` is asked at every step of every host.
    pub fn watch(&self, watcher: impl Fn(&Step) -> Act + Send + Sync + 'static) {
        *self.watcher.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(watcher));
    }

    /// From now on, every step goes.
    pub fn leave(&self) {
        *self.watcher.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// What is to happen at this step. For drivers, just before the effect.
    #[must_use]
    pub fn at(&self, step: &Step) -> Act {
        let watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner).clone();
        watcher.map_or(Act::Go, |watcher| watcher(step))
    }
}

impl fmt::Debug for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Steps")
    }
}
