//! Going back to a thick snapshot, in place.
//!
//! LVM's own way (`lvconvert --merge`) ends with the snapshot gone, and other snapshots must stay besides: so the blocks
//! that differ are written to the volume. Before the first one, the volume's tags say what is going on; from then on it
//! is never read, copied or attached until the last one is written. Whoever is asked to revert it and stopped leaves the
//! rest to a task of this process; a process that dies leaves it to the next one that opens the volume group.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use ashlar_common::{
    bytes::Throttle,
    chain::chain,
    driver::{Classified, Kind, OpCtx, Progress},
    ids::{OpId, SnapshotId, VolumeId},
};
use tokio::sync::watch;

use crate::{
    background::Background,
    data::{self, Room},
    error::Error,
    locks::Locked,
    lvm::{Lv, Lvm},
    names::{LvName, Ours, Tag},
};

/// What the intent begins with.
const INTENT: &str = "revert.";

/// The volumes that are being reverted, by this process.
#[derive(Debug)]
pub struct Reverts {
    lvm: Lvm,
    throttle: Option<Throttle>,
    running: Mutex<BTreeMap<VolumeId, Running>>,
    tasks: Background,
}

#[derive(Clone, Debug)]
struct Running {
    snapshot: SnapshotId,
    progress: watch::Receiver<Progress>,
    ended: watch::Receiver<Option<Ended>>,
}

/// What came of it: for several who wait.
type Ended = Result<(), (Kind, String)>;

impl Reverts {
    /// None yet.
    #[must_use]
    pub fn new(lvm: Lvm, throttle: Option<Throttle>) -> Self {
        Self { lvm, throttle, running: Mutex::default(), tasks: Background::default() }
    }

    /// Goes on with what was being reverted when the process before ended, as the tags of `found` say. At open; it does
    /// not wait for them.
    pub fn resume(&self, found: &[Lv]) {
        for lv in found.iter().filter(|lv| lv.is_ours()) {
            if let (Some(Ours::Volume(volume)), Some(snapshot)) = (lv.name.ours(), goal(lv)) {
                tracing::info!(%volume, %snapshot, "a revert goes on");
                self.start(OpId::new(), volume, snapshot, None);
            }
        }
    }

    /// Makes a volume's bytes those of one of its snapshots, up to the snapshot's size, and zeros behind. The caller
    /// knows that it is not attached; `locked` keeps others from attaching it until its tags have [`refuse_reverting`]
    /// do so, also where the caller has gone.
    ///
    /// # Errors
    /// `NotFound`; `Busy` if the volume is open or being reverted to another snapshot. `Indeterminate` if stopped: then
    /// it goes on behind the scenes, and the same call again waits for its end.
    pub async fn revert(
        &self,
        ctx: &OpCtx,
        volume: VolumeId,
        snapshot: SnapshotId,
        locked: Locked,
    ) -> Result<(), Error> {
        let running = match self.running(volume) {
            Some(running) if running.snapshot == snapshot => running,
            Some(other) => return Err(in_use(&LvName::volume(volume), other.snapshot)),
            None => self.start(ctx.op(), volume, snapshot, Some(locked)),
        };
        wait(ctx, running).await
    }

    /// Ends all that goes on, in the middle; the next one to open the volume group goes on with it.
    pub async fn close(&self) {
        self.tasks.close().await;
    }

    fn running(&self, volume: VolumeId) -> Option<Running> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.get(&volume).filter(|running| running.ended.borrow().is_none()).cloned()
    }

    /// Begins it, with the lock of the volume where its tags do not say yet that it is reverted. All of it is done by a task:
    /// a caller whose time is over between the tags and the first byte would leave a volume that nobody puts right.
    fn start(&self, op: OpId, volume: VolumeId, snapshot: SnapshotId, locked: Option<Locked>) -> Running {
        let ctx = self.tasks.ctx(op);
        let (sender, ended) = watch::channel(None);
        let running = Running { snapshot, progress: ctx.watch_progress(), ended };
        let (lvm, throttle) = (self.lvm.clone(), self.throttle);
        self.tasks.spawn(async move {
            let came = async {
                if let Some(locked) = locked {
                    intend(&lvm, &ctx, volume, snapshot).await.map_err(|error| (error.kind(), chain(&error)))?;
                    drop(locked);
                }
                write_back(&lvm, &ctx, volume, snapshot, throttle).await.map_err(|error| {
                    let reason = chain(&error);
                    tracing::error!(%volume, %snapshot, %reason, "a revert is not done: ask for it again, or start anew");
                    // Some of it is written, whatever stopped it.
                    (if error.kind() == Kind::Fatal { Kind::Fatal } else { Kind::Indeterminate }, reason)
                })
            };
            let came = came.await;
            sender.send_replace(Some(came));
        });
        let mut all = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, running| running.ended.borrow().is_none());
        all.insert(volume, running.clone());
        running
    }
}

/// Refuses what needs a volume whose bytes are of one instant: they are old and new by turns.
///
/// # Errors
/// [`Error::InUse`].
pub fn refuse_reverting(lv: &Lv) -> Result<(), Error> {
    goal(lv).map_or(Ok(()), |snapshot| Err(in_use(&lv.name, snapshot)))
}

/// The volume of these that is being reverted to `snapshot`, which must stay until then.
#[must_use]
pub fn reverting_to(lvs: &[Lv], snapshot: SnapshotId) -> Option<&Lv> {
    lvs.iter().find(|lv| goal(lv) == Some(snapshot))
}

fn goal(lv: &Lv) -> Option<SnapshotId> {
    lv.intent()?.strip_prefix(INTENT)?.parse().ok()
}

fn intent(snapshot: SnapshotId) -> Result<Tag, Error> {
    let words = format!("{INTENT}{snapshot}");
    Tag::intent(&words).ok_or_else(|| Error::Invalid(format!("{words:?} cannot be a tag")))
}

fn in_use(name: &LvName, snapshot: SnapshotId) -> Error {
    let by = format!("it is being reverted to snapshot {snapshot}; wait for that to end");
    Error::InUse { name: name.to_string(), by }
}

/// Writes down what is going to be done. From here on there is no way back but the one forward.
async fn intend(lvm: &Lvm, ctx: &OpCtx, volume: VolumeId, snapshot: SnapshotId) -> Result<(), Error> {
    let (name, source) = (LvName::volume(volume), LvName::snapshot(snapshot));
    let mut turn = lvm.turn(ctx).await?;
    let found = turn.look(ctx, &[&name, &source]).await?;
    let find = |name: &LvName| found.iter().find(|lv| lv.name == *name && lv.is_ours());
    let origin = find(&name).ok_or(Error::NoVolume(volume))?;
    let frozen = find(&source).ok_or(Error::NoSnapshot(snapshot))?;
    if frozen.origin.as_ref() != Some(&name) {
        return Err(Error::NoSnapshot(snapshot));
    }
    match goal(origin) {
        Some(goal) if goal == snapshot => return Ok(()),
        Some(other) => return Err(in_use(&name, other)),
        None => {}
    }
    if origin.open {
        let by = "somebody has its device open: detach it, or see `lsof` and `dmsetup ls --tree`".to_owned();
        return Err(Error::InUse { name: name.to_string(), by });
    }
    turn.retag(ctx, &name, &[intent(snapshot)?], &[]).await.map(drop)
}

async fn write_back(
    lvm: &Lvm,
    ctx: &OpCtx,
    volume: VolumeId,
    snapshot: SnapshotId,
    throttle: Option<Throttle>,
) -> Result<(), Error> {
    let (name, source) = (LvName::volume(volume), LvName::snapshot(snapshot));
    let (from, to) = {
        let mut turn = lvm.turn(ctx).await?;
        // Both at once: a snapshot cannot be active without its origin.
        let to = turn.activate(ctx, &name).await?;
        (turn.activate(ctx, &source).await?, to)
    };
    data::make_same(ctx, &Room::of(&from), &Room::of(&to), throttle).await?;
    lvm.turn(ctx).await?.retag(ctx, &name, &[], &[intent(snapshot)?]).await.map(drop)
}

/// Waits for the end, and passes progress on.
async fn wait(ctx: &OpCtx, mut running: Running) -> Result<(), Error> {
    let ended = async {
        loop {
            let done = running.ended.borrow_and_update().clone();
            if let Some(ended) = done {
                return ended;
            }
            tokio::select! {
                changed = running.ended.changed() => if changed.is_err() {
                    return Err((Kind::Indeterminate, "the driver's task ended in the middle".to_owned()));
                },
                Ok(()) = running.progress.changed() => ctx.report(*running.progress.borrow_and_update()),
            }
        }
    };
    match ctx.bounded(ended).await? {
        Ok(()) => Ok(()),
        Err((Kind::Fatal, text)) => Err(Error::Damaged(text)),
        Err((kind, text)) => Err(Error::Other { kind, text }),
    }
}
