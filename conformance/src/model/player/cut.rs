//! Calls that are cut: cancelled, refused by the backend half-way, or left without a host.
//!
//! Where the site knows the driver's effects, the cut comes at one of them and the same seed cuts at the same place;
//! elsewhere it comes at some instant.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use ashlar_common::driver::Kind;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{
    ask::Told,
    trouble::{Asked, is_refusal},
};
use crate::{
    model::{call::Answer, rules::Seen},
    outcome::{Held, Stop},
    stage::Stage,
    steps::{Act, Steps},
};

/// No call of a sequence has more effects that are worth a cut.
const EFFECTS: u8 = 5;
/// How long the call of a killed host is waited for where it may go on: an in-process host is only let go, and what its
/// threads do must be done before anybody looks.
const GRACE: Duration = Duration::from_secs(10);

impl Asked {
    /// Cancelled by its caller; or, where that can be had, refused by the backend before an effect, or with the answer to
    /// an effect lost.
    pub(super) async fn cancelled(&self, stage: &Stage, when: u8) -> Held<(Seen, Told)> {
        let told = match stage.site.steps() {
            Some(steps) => {
                let act = [Act::Cancel, Act::FailBefore, Act::FailAfter][usize::from(when) % 3];
                at(steps, when / 3, act);
                let told = self.ask(stage.driver().await.as_ref(), CancellationToken::new()).await;
                steps.leave();
                told?
            }
            None => self.cancelled_after(stage, when).await?,
        };
        let seen = match told.answer {
            Answer::Refused(Kind::Indeterminate) => Seen::Unknown,
            Answer::Refused(_) => Seen::Nothing,
            answer => Seen::Answer(answer),
        };
        Ok((seen, told))
    }

    async fn cancelled_after(&self, stage: &Stage, when: u8) -> Held<Told> {
        let cancel = CancellationToken::new();
        let (driver, asked, token) = (stage.driver().await, self.clone(), cancel.clone());
        let call = tokio::spawn(async move { asked.ask(driver.as_ref(), token).await });
        pause(when).await?;
        cancel.cancel();
        call.await.map_err(Stop::failed)?
    }

    /// Its host is killed, and another started.
    pub(super) async fn killed(&self, stage: &Stage, when: u8) -> Held<(Seen, Told)> {
        let told = match stage.site.steps() {
            Some(steps) => self.killed_at(stage, steps, when).await?,
            None => self.killed_after(stage, when).await?,
        };
        Ok(match told {
            Some(told) if !is_refusal(told.answer) => (Seen::Answer(told.answer), told),
            Some(told) => (Seen::Unknown, told),
            None => {
                let told = Told { answer: Answer::Refused(Kind::Indeterminate), why: String::new(), connection: None };
                (Seen::Unknown, told)
            }
        })
    }

    async fn killed_at(&self, stage: &Stage, steps: &Steps, when: u8) -> Held<Option<Told>> {
        let died = at(steps, when / 2, if when.is_multiple_of(2) { Act::DieAfter } else { Act::DieBefore });
        let driver = stage.driver().await;
        let told = {
            // In this task, so that the effect after which the host dies is over when its death is noticed.
            let mut call = pin!(self.ask(driver.as_ref(), CancellationToken::new()));
            tokio::select! {
                biased;
                told = &mut call => Some(told?),
                () = died.notified() => None,
            }
        };
        steps.leave();
        stage.restart().await?;
        Ok(told)
    }

    async fn killed_after(&self, stage: &Stage, when: u8) -> Held<Option<Told>> {
        let (driver, asked) = (stage.driver().await, self.clone());
        let mut call = tokio::spawn(async move { asked.ask(driver.as_ref(), CancellationToken::new()).await });
        pause(when).await?;
        stage.restart().await?;
        match tokio::time::timeout(GRACE, &mut call).await {
            Ok(ended) => ended.map_err(Stop::failed)?.map(Some),
            Err(_never) => {
                call.abort();
                Ok(None)
            }
        }
    }
}

/// Lets something happen at the so many-th effect from now on, and tells when it comes.
fn at(steps: &Steps, effect: u8, act: Act) -> Arc<Notify> {
    let come = Arc::new(Notify::new());
    let (told, seen) = (Arc::clone(&come), AtomicUsize::new(0));
    steps.watch(move |_| {
        if seen.fetch_add(1, Ordering::AcqRel) != usize::from(effect % EFFECTS) {
            return Act::Go;
        }
        told.notify_one();
        act
    });
    come
}

/// From nothing to some 20 ms, mostly short: within a call of a quick backend, and of a slow one. Not to wait for
/// something, but to come at some time.
async fn pause(when: u8) -> Held {
    let when = u64::from(when);
    let pause = Duration::from_micros(when * when / 3);
    tokio::task::spawn_blocking(move || std::thread::sleep(pause)).await.map_err(Stop::failed)
}
