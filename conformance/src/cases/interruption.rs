//! Stopping a call somewhere in the middle: at an exact step where the site knows steps, else at an instant.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use ashlar_common::{
    driver::{self, OpCtx},
    ids::OpId,
};
use tokio::{sync::Notify, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    outcome::{Held, Stop},
    stage::Stage,
    steps::Act,
};

use super::change::Trial;

/// How long a call may go on after its deadline or its cancellation.
const GRACE: Duration = Duration::from_secs(10);
/// A step that takes so long is not waited for by anybody who keeps to the contract.
const HELD: Duration = Duration::from_secs(60);
/// The deadline of a call that is held at a step.
const SHORT: Duration = Duration::from_millis(25);
/// The deadline of a call that is to be stopped by other means.
const LONG: Duration = Duration::from_secs(60);

/// What stops the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// Its host is killed.
    Kill,
    /// Its time is up.
    Deadline,
    /// Whoever called does not want it any more.
    Cancel,
    /// The backend refuses an effect.
    Refusal,
    /// The backend's answer to an effect does not arrive.
    LostAnswer,
}

/// When.
#[derive(Clone, Copy, Debug)]
pub(super) enum Moment {
    /// So long after its beginning.
    After(Duration),
    /// Before its effect of this number, counted from 0.
    Step(usize),
}

/// What came of it.
pub(super) struct Interrupted {
    /// What the call answered, if it did: whether it changed something.
    pub(super) answer: Option<driver::Result<bool>>,
    /// Whether the moment came before the answer.
    pub(super) reached: bool,
}

/// Tells when the moment has come.
#[derive(Default)]
struct Signal {
    steps: AtomicUsize,
    come: AtomicBool,
    told: Notify,
}

/// Makes the trial's call and stops it.
pub(super) async fn interrupt(stage: &Stage, trial: &Trial, how: How, moment: Moment) -> Held<Interrupted> {
    let (signal, cancel) = (Arc::new(Signal::default()), CancellationToken::new());
    if let (Moment::Step(step), Some(steps)) = (moment, stage.site.steps()) {
        let (signal, cancel) = (Arc::clone(&signal), cancel.clone());
        steps.watch(move |_| if signal.is_step(step) { act(how, &cancel) } else { Act::Go });
    }
    let limit = match (how, moment) {
        (How::Deadline, Moment::After(instant)) => instant,
        (How::Deadline, Moment::Step(_)) => SHORT,
        _ => LONG,
    };
    let ctx = OpCtx::new(OpId::new(), limit, cancel.clone());
    let (driver, asked) = (stage.driver().await, trial.clone());
    let call = tokio::spawn(async move { asked.run(driver.as_ref(), &ctx).await });
    let ended = match how {
        How::Kill => killed(stage, call, &signal, moment).await,
        How::Cancel => cancelled(call, &signal, moment, &cancel).await,
        How::Deadline | How::Refusal | How::LostAnswer => answered(call, limit + GRACE).await.map(Some),
    };
    if let Some(steps) = stage.site.steps() {
        steps.leave();
    }
    Ok(Interrupted { answer: ended?, reached: signal.come.load(Ordering::Acquire) })
}

/// What happens at the step.
fn act(how: How, cancel: &CancellationToken) -> Act {
    match how {
        How::Kill => Act::DieBefore,
        How::Deadline => Act::Delay(HELD),
        How::Cancel => {
            cancel.cancel();
            Act::Delay(HELD)
        }
        How::Refusal => Act::FailBefore,
        How::LostAnswer => Act::FailAfter,
    }
}

impl Signal {
    /// Counts a step, and tells if it is the one.
    fn is_step(&self, step: usize) -> bool {
        let is = self.steps.fetch_add(1, Ordering::AcqRel) == step;
        if is {
            self.come.store(true, Ordering::Release);
            self.told.notify_one();
        }
        is
    }

    async fn wait(&self, moment: Moment) {
        match moment {
            Moment::Step(_) => self.told.notified().await,
            Moment::After(instant) => {
                // The runtime's own timer knows whole milliseconds only. A panic there would only come early.
                let _ = tokio::task::spawn_blocking(move || std::thread::sleep(instant)).await;
                self.come.store(true, Ordering::Release);
            }
        }
    }
}

type Answer = driver::Result<bool>;

async fn killed(stage: &Stage, mut call: JoinHandle<Answer>, signal: &Signal, moment: Moment) -> Held<Option<Answer>> {
    let answer = tokio::select! {
        biased;
        answer = &mut call => Some(answer.map_err(Stop::failed)?),
        () = signal.wait(moment) => None,
    };
    call.abort();
    if let Some(steps) = stage.site.steps() {
        steps.leave();
    }
    stage.restart().await?;
    Ok(answer)
}

async fn cancelled(
    mut call: JoinHandle<Answer>,
    signal: &Signal,
    moment: Moment,
    cancel: &CancellationToken,
) -> Held<Option<Answer>> {
    let early = tokio::select! {
        biased;
        answer = &mut call => Some(answer.map_err(Stop::failed)?),
        () = signal.wait(moment) => None,
    };
    cancel.cancel();
    match early {
        Some(answer) => Ok(Some(answer)),
        None => answered(call, GRACE).await.map(Some),
    }
}

/// The answer, which must come.
async fn answered(mut call: JoinHandle<Answer>, limit: Duration) -> Held<Answer> {
    match timeout(limit, &mut call).await {
        Ok(answer) => answer.map_err(Stop::failed),
        Err(_late) => {
            call.abort();
            Err(Stop::failed(format!("no answer {} s after it should have stopped", GRACE.as_secs())))
        }
    }
}
