//! Writes that wait.

use std::time::Duration;

use ashlar_common::driver::OpCtx;
use tokio::{sync::oneshot, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{dm::Dm, error::Error, locks::Locked};

/// How long writes wait at most: clients give up after 30 s or more.
const LIMIT: Duration = Duration::from_secs(20);
/// How long letting them go on may take.
const RESUME: Duration = Duration::from_secs(60);

/// Writes to some volumes wait, until this is released or dropped, but never longer than 20 seconds. If this process dies
/// meanwhile, they wait until the next start of a host, which lets them go on first of all.
#[derive(Debug)]
pub struct Hold {
    release: oneshot::Sender<()>,
    keeper: JoinHandle<Result<(), Error>>,
}

impl Hold {
    /// Suspends the devices, for who holds the locks.
    pub(super) async fn of(ctx: &OpCtx, dm: &Dm, names: Vec<String>, locked: Locked) -> Result<Self, Error> {
        if let Err(error) = dm.suspend(ctx, &names).await {
            // Some of them may be.
            resume(ctx, dm, &names).await?;
            return Err(error);
        }
        let (release, released) = oneshot::channel();
        let (dm, ctx) = (dm.clone(), ctx.clone());
        // A task of its own: who holds this may be dropped anywhere, and cannot wait then.
        let keeper = tokio::spawn(async move {
            let in_time = timeout(LIMIT, released).await.is_ok();
            let resumed = resume(&ctx, &dm, &names).await;
            drop(locked);
            resumed?;
            if in_time {
                return Ok(());
            }
            let words = format!(
                "writes were held for {} seconds and went on then: nothing of that time is of one instant",
                LIMIT.as_secs()
            );
            Err(Error::Setup(words))
        });
        Ok(Self { release, keeper })
    }

    /// Writes go on.
    ///
    /// # Errors
    /// When they went on before, so that what was done meanwhile is not of one instant; or when they cannot.
    pub async fn release(self) -> Result<(), Error> {
        // Where nobody listens, the time was up: the keeper says so.
        let _too_late = self.release.send(());
        self.keeper.await.map_err(|panic| Error::Damaged(format!("the keeper of held writes ended: {panic}")))?
    }
}

/// Not under the call's own deadline, which may be what ended it.
async fn resume(ctx: &OpCtx, dm: &Dm, names: &[String]) -> Result<(), Error> {
    let own = OpCtx::new(ctx.op(), RESUME, CancellationToken::new());
    let resumed = dm.resume(&own, names).await;
    if let Err(error) = &resumed {
        tracing::error!(%error, ?names, "devices may still hold writes back: run dmsetup resume for each");
    }
    resumed
}
