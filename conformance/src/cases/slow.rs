//! What goes on beside a call that takes its time.

use std::{sync::Arc, time::Duration};

use ashlar_common::{
    driver::{self, ImageFile, OpCtx, Progress},
    ids::OpId,
    image::ImageFormat,
};
use tempfile::TempDir;
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{
    answers::done,
    behaviour::{Behaviour, Group},
    claims::Need,
    contents::pattern,
    outcome::{Held, Stop, ensure},
    stage::{Stage, refused},
    subject::Slowness,
};

use super::Case;

/// Far longer than any answer of `stats` takes.
const SLOWER_BY: Duration = Duration::from_secs(20);
/// The longest that a call may go on, cancelled or not.
const LIMIT: Duration = Duration::from_secs(60);
/// How often statistics are asked for beside one slow call.
const QUESTIONS: usize = 5;
/// How often a large copy is made, where the site cannot be made slow and copies may be over too soon.
const ROUNDS: usize = 10;
/// Part of the pool's room that is copied.
const PART: u64 = 4;
/// Enough to take its time.
const MOST_BYTES: u64 = 64 << 20;

/// Behaviour 48.
pub const CASES: &[Case] = &[Case {
    behaviour: Behaviour {
        number: 48,
        group: Group::Concurrency,
        name: "slow_call_does_not_hold_up_statistics",
        clauses: &["call.5", "image.4"],
        need: Need::Core,
    },
    run: |stage| Box::pin(beside_a_slow_call(stage)),
}];

/// The order of the answers tells, not the time they take.
async fn beside_a_slow_call(stage: &Stage) -> Held {
    match stage.site.slowness() {
        Some(slowness) => beside_a_slow_create(stage, slowness).await,
        None => beside_large_copies(stage).await,
    }
}

async fn ask(stage: &Stage) -> Held {
    let stats = stage.driver().await.stats(&stage.ctx()).await;
    stats.map(drop).map_err(|error| refused("stats", &error))
}

async fn beside_a_slow_create(stage: &Stage, slowness: &dyn Slowness) -> Held {
    slowness.begin(SLOWER_BY).await;
    let cancel = CancellationToken::new();
    let ctx = OpCtx::new(OpId::new(), LIMIT, cancel.clone());
    let (driver, spec) = (stage.driver().await, stage.spec(1 << 20)?);
    let wanted = spec.clone();
    let slow = tokio::spawn(async move { driver.create(&ctx, &wanted).await.map(drop) });
    let mut held_up = false;
    for _ in 0..QUESTIONS {
        // Lets the slow call come to where it waits; if it is not there yet, one of the next questions meets it there.
        tokio::time::sleep(Duration::from_millis(10)).await;
        ask(stage).await?;
        held_up |= slow.is_finished();
    }
    cancel.cancel();
    slowness.end().await;
    let _stopped_or_not = slow.await.map_err(Stop::failed)?;
    ensure(!held_up, || {
        format!("statistics came after a call that takes {} s, which had begun before", SLOWER_BY.as_secs())
    })?;
    done("delete", stage.driver().await.delete(&stage.ctx(), &spec.volume).await)
}

async fn beside_large_copies(stage: &Stage) -> Held {
    let size = (stage.site.room() / PART).min(MOST_BYTES);
    let content = pattern(stage.seed, usize::try_from(size).map_err(Stop::failed)?);
    let volume = stage.create_holding(&content).await?;
    let folder = TempDir::new().map_err(|error| Stop::NotRun(format!("no temporary directory: {error}")))?;
    let image = ImageFile { path: folder.path().join("image"), format: ImageFormat::Qcow2 };
    let mut progress_seen = false;
    for _ in 0..ROUNDS {
        let ctx = Arc::new(stage.ctx());
        let mut progress = ctx.watch_progress();
        let (driver, of, to) = (stage.driver().await, volume.clone(), image.clone());
        let copy = tokio::spawn(async move { driver.copy_volume_to_image(&ctx, &of, &to).await.map(drop) });
        let under_way = is_under_way(&mut progress).await;
        progress_seen |= under_way;
        ask(stage).await?;
        let first = !copy.is_finished();
        ended(copy).await?;
        if under_way && first {
            return Ok(());
        }
    }
    ensure(progress_seen, || format!("a copy of {size} bytes never told how far it was"))?;
    Err(Stop::failed(format!("in {ROUNDS} copies of {size} bytes, statistics never came before the end of the copy")))
}

/// Whether the call told how far it is before it ended.
async fn is_under_way(progress: &mut watch::Receiver<Progress>) -> bool {
    // The sender goes when the call ends.
    progress.wait_for(|progress| progress.done > 0 && progress.done < progress.total).await.is_ok()
}

async fn ended(copy: JoinHandle<driver::Result<()>>) -> Held {
    copy.await.map_err(Stop::failed)?.map_err(|error| refused("copy_volume_to_image", &error))
}
