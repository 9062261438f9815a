//! One operation at a time on one object.
//!
//! Held for a whole call, copies included, while the right to change the volume group is taken for single commands
//! only. Sources are shared: a volume can be cloned several times at once, and is not deleted meanwhile.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use ashlar_common::{
    driver::OpCtx,
    ids::{SnapshotId, VolumeId},
};
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

use crate::error::Error;

/// What is locked. The order is the one in which several are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A volume.
    Volume(VolumeId),
    /// A snapshot.
    Snapshot(SnapshotId),
}

/// Whether others may hold the same at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hold {
    /// It is changed.
    Alone,
    /// It is read.
    Shared,
}

/// All objects that somebody works on or waits for. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Locks(Arc<Mutex<HashMap<Key, Weak<RwLock<()>>>>>);

/// Objects that are this one's until dropped.
#[derive(Debug)]
pub struct Locked {
    _alone: Vec<OwnedRwLockWriteGuard<()>>,
    _shared: Vec<OwnedRwLockReadGuard<()>>,
}

impl Locks {
    /// Waits until all of these are free, however they are ordered.
    ///
    /// # Errors
    /// [`Error::NotBegun`] when the call ends before.
    pub async fn lock(&self, ctx: &OpCtx, wanted: impl IntoIterator<Item = (Key, Hold)>) -> Result<Locked, Error> {
        let mut wanted: Vec<_> = wanted.into_iter().collect();
        // In one order, so that no two wait for each other; what is wanted twice is wanted in the stronger way.
        wanted.sort_unstable();
        wanted.dedup_by_key(|(key, _)| *key);
        let (mut alone, mut shared) = (Vec::new(), Vec::new());
        for (key, hold) in wanted {
            let lock = self.of(key);
            let waited = match hold {
                Hold::Alone => ctx.bounded(lock.write_owned()).await.map(|guard| alone.push(guard)),
                Hold::Shared => ctx.bounded(lock.read_owned()).await.map(|guard| shared.push(guard)),
            };
            waited
                .map_err(|source| Error::NotBegun { doing: "work on an object that is in use".to_owned(), source })?;
        }
        Ok(Locked { _alone: alone, _shared: shared })
    }

    fn of(&self, key: Key) -> Arc<RwLock<()>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lock) = all.get(&key).and_then(Weak::upgrade) {
            return lock;
        }
        // Those that nobody holds are forgotten now and then, so that this does not grow with every object ever.
        if all.len() >= 1024 {
            all.retain(|_, lock| lock.strong_count() > 0);
        }
        let lock = Arc::<RwLock<()>>::default();
        all.insert(key, Arc::downgrade(&lock));
        lock
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ashlar_common::{
        driver::{Classified, Kind, OpCtx},
        ids::{OpId, SnapshotId, VolumeId},
    };
    use tokio_util::sync::CancellationToken;

    use super::{Hold, Key, Locks};

    fn ctx(limit: Duration) -> OpCtx {
        OpCtx::new(OpId::new(), limit, CancellationToken::new())
    }

    #[tokio::test]
    async fn who_changes_is_alone_and_readers_are_together() {
        let (locks, volume) = (Locks::default(), Key::Volume(VolumeId::new()));
        let (long, short) = (ctx(Duration::from_secs(60)), ctx(Duration::from_millis(20)));
        let first = locks.lock(&long, [(volume, Hold::Shared)]).await.expect("free");
        let second = locks.lock(&long, [(volume, Hold::Shared)]).await.expect("shared");
        let refused = locks.lock(&short, [(volume, Hold::Alone)]).await.expect_err("read by two");
        assert_eq!(refused.kind(), Kind::Unavailable);
        drop((first, second));
        let _alone = locks.lock(&long, [(volume, Hold::Alone)]).await.expect("free again");
    }

    #[tokio::test]
    async fn an_object_may_be_wanted_twice_and_in_any_order() {
        let locks = Locks::default();
        let (volume, snapshot) = (Key::Volume(VolumeId::new()), Key::Snapshot(SnapshotId::new()));
        let ctx = ctx(Duration::from_secs(60));
        for _ in 0..2 {
            let wanted = [(snapshot, Hold::Alone), (volume, Hold::Shared), (volume, Hold::Alone)];
            let _locked = locks.lock(&ctx, wanted).await.expect("free");
        }
    }
}
