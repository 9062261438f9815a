//! The backend: what several hosts and clients share, and the ways to disturb it.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use ashlar_common::{ids::PoolName, stats::Provisioning};

use super::{
    disk::{Home, PAGE_BYTES, lock},
    faults::Fault,
    room::Room,
    settings::Settings,
    state::{Export, Pool, State},
};
use crate::steps::Steps;

/// A backend in memory. It lives as long as anybody holds it; hosts come and go.
#[derive(Debug)]
pub struct Backend {
    pub(super) settings: Settings,
    /// Where tests say what happens between two effects.
    pub steps: Steps,
    state: Mutex<State>,
    away: AtomicBool,
    slower_by: Mutex<Duration>,
}

impl Backend {
    /// An empty one.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let mut state = State::default();
        for provisioning in [Provisioning::Thin, Provisioning::Thick] {
            let data = Room::new(settings.room / PAGE_BYTES * PAGE_BYTES);
            let home = match provisioning {
                Provisioning::Thin => Home::Thin { data, metadata: Room::new(settings.metadata) },
                Provisioning::Thick => Home::Thick(data),
            };
            state.pools.insert(pool_name(provisioning), Pool { provisioning, home });
        }
        Self {
            settings,
            steps: Steps::default(),
            state: Mutex::new(state),
            away: AtomicBool::new(false),
            slower_by: Mutex::default(),
        }
    }

    /// The pool that works as the settings say.
    #[must_use]
    pub fn pool(&self) -> PoolName {
        pool_name(self.settings.provisioning)
    }

    /// The pool that works the other way.
    #[must_use]
    pub fn other_pool(&self) -> PoolName {
        pool_name(match self.settings.provisioning {
            Provisioning::Thin => Provisioning::Thick,
            Provisioning::Thick => Provisioning::Thin,
        })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether hosts cannot reach it now.
    pub(super) fn is_away(&self) -> bool {
        self.away.load(Ordering::SeqCst)
    }

    /// Cuts all hosts off, or lets them reach it again. Clients go on: their way to the bytes is another.
    pub fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    /// How much longer every call that changes something takes.
    pub(super) fn slower_by(&self) -> Duration {
        *self.slower_by.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets every call that changes something take so much longer.
    pub fn set_slower_by(&self, by: Duration) {
        *self.slower_by.lock().unwrap_or_else(PoisonError::into_inner) = by;
    }

    /// From now on the host changes nothing more, and its calls do not answer.
    pub fn kill(&self, host: u64) {
        let mut state = self.state();
        let died = state.dead.insert(host);
        if died && self.settings.broken(Fault::SyncIsNotDurable) {
            for held in state.volumes.values() {
                let mut disk = lock(&held.disk);
                let last = disk.last_written();
                disk.lose(last);
            }
        }
    }

    /// Uses up the metadata of the thin pool.
    pub fn fill_metadata(&self) {
        let mut state = self.state();
        let rest = state.pools.values().find_map(|pool| match &pool.home {
            Home::Thin { metadata, .. } => metadata.take(metadata.left()).ok(),
            Home::Thick(_) => None,
        });
        state.ballast.extend(rest);
    }

    /// Gives back what [`Backend::fill_metadata`] used.
    pub fn release_metadata(&self) {
        self.state().ballast.clear();
    }

    /// What clients could reach now.
    #[must_use]
    pub fn exports(&self) -> Vec<String> {
        let state = self.state();
        let ended = state.ended.values().filter(|_| self.settings.broken(Fault::ExportsStay));
        let shown = |export: &Export| format!("{} to volume {}", export.attachment, export.volume);
        state.exports.values().chain(ended).map(shown).collect()
    }

    /// What no volume, snapshot or attachment accounts for.
    #[must_use]
    pub fn residue(&self) -> Vec<String> {
        let state = self.state();
        let staged = state.staged.values().map(|staged| {
            let bytes: u64 = staged.disks.iter().map(|disk| lock(disk).allocated()).sum();
            format!("{} of host {}, {bytes} bytes", staged.what, staged.host)
        });
        let orphans = state.exports.values().filter(|export| !state.volumes.contains_key(&export.volume));
        staged.chain(orphans.map(|export| format!("an export of volume {}, which is gone", export.volume))).collect()
    }
}

/// What the pool is called that works so.
fn pool_name(provisioning: Provisioning) -> PoolName {
    let name = match provisioning {
        Provisioning::Thin => "thin",
        Provisioning::Thick => "thick",
    };
    name.parse().expect("a short word is a name")
}
