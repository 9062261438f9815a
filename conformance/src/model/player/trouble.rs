//! A call with something that befalls it, and what can be known of its effect afterwards.

use std::{sync::Arc, time::Duration};

use ashlar_common::{
    driver::{Driver, Kind, OpCtx},
    ids::OpId,
};
use tokio_util::sync::CancellationToken;

use super::ask::{Asker, Told};
use crate::{
    faulty::{Fault, Faulty},
    model::{
        call::{Answer, Call},
        rules::Seen,
        sequence::Trouble,
    },
    outcome::{Held, Stop},
    stage::Stage,
};

/// A call that nothing befalls ends by then.
const LIMIT: Duration = Duration::from_secs(30);
/// How long a killed host's call is waited for. It fails at once or never answers; one that goes on is not dead.
const GRACE: Duration = Duration::from_millis(500);

/// A call of a sequence, about to be made.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) asker: Asker,
    pub(super) nth: u32,
    pub(super) call: Call,
}

impl Asked {
    /// Makes the call, and meanwhile lets befall it what should.
    pub(super) async fn play(&self, stage: &Stage, trouble: Trouble) -> Held<(Seen, Told)> {
        match trouble {
            Trouble::None => {
                let told = self.ask(stage.driver().await.as_ref(), CancellationToken::new()).await?;
                Ok((Seen::Answer(told.answer), told))
            }
            Trouble::Before(kind) => {
                let told = self.on_its_way(stage, Fault::Before(kind)).await?;
                Ok((Seen::Nothing, told))
            }
            Trouble::HangBefore => Ok((Seen::Nothing, self.on_its_way(stage, Fault::HangBefore).await?)),
            Trouble::After => self.on_its_way(stage, Fault::After).await.map(lost),
            Trouble::HangAfter => self.on_its_way(stage, Fault::HangAfter).await.map(lost),
            Trouble::Cancel(when) => self.cancelled(stage, when).await,
            Trouble::Kill(when) => self.killed(stage, when).await,
        }
    }

    pub(super) async fn ask(&self, driver: &dyn Driver, cancel: CancellationToken) -> Held<Told> {
        let ctx = OpCtx::new(OpId::new(), LIMIT, cancel);
        self.asker.ask(driver, &ctx, self.nth, self.call).await
    }

    /// Makes the call through a faulty way, and cancels it when it hangs.
    async fn on_its_way(&self, stage: &Stage, fault: Fault) -> Held<Told> {
        let faulty = Faulty::new(stage.driver().await, Arc::new(move |_| fault));
        let (cancel, hanging) = (CancellationToken::new(), faulty.hanging());
        let asked = self.ask(&faulty, cancel.clone());
        let stop = async {
            hanging.await;
            cancel.cancel();
            std::future::pending().await
        };
        tokio::select! {
            told = asked => told,
            never = stop => never,
        }
    }

    async fn cancelled(&self, stage: &Stage, when: u8) -> Held<(Seen, Told)> {
        let cancel = CancellationToken::new();
        let (driver, asked, token) = (stage.driver().await, self.clone(), cancel.clone());
        let call = tokio::spawn(async move { asked.ask(driver.as_ref(), token).await });
        pause(when).await?;
        cancel.cancel();
        let told = call.await.map_err(Stop::failed)??;
        let seen = match told.answer {
            Answer::Refused(Kind::Indeterminate) => Seen::Unknown,
            Answer::Refused(_) => Seen::Nothing,
            answer => Seen::Answer(answer),
        };
        Ok((seen, told))
    }

    async fn killed(&self, stage: &Stage, when: u8) -> Held<(Seen, Told)> {
        let (driver, asked) = (stage.driver().await, self.clone());
        let mut call = tokio::spawn(async move { asked.ask(driver.as_ref(), CancellationToken::new()).await });
        pause(when).await?;
        stage.restart().await?;
        let Ok(ended) = tokio::time::timeout(GRACE, &mut call).await else {
            call.abort();
            let (answer, why) = (Answer::Refused(Kind::Indeterminate), String::new());
            return Ok((Seen::Unknown, Told { answer, why, connection: None }));
        };
        let told = ended.map_err(Stop::failed)??;
        let seen = if is_refusal(told.answer) { Seen::Unknown } else { Seen::Answer(told.answer) };
        Ok((seen, told))
    }
}

/// What is known of a call of which the answer was lost if it was a good one.
fn lost(told: Told) -> (Seen, Told) {
    match told.answer {
        Answer::Refused(Kind::Indeterminate) => (Seen::Done, told),
        answer => (Seen::Answer(answer), told),
    }
}

fn is_refusal(answer: Answer) -> bool {
    matches!(answer, Answer::Refused(_))
}

/// From nothing to some 20 ms, mostly short: within a call of a quick backend, and of a slow one. Not to wait for
/// something, but to come at some time.
async fn pause(when: u8) -> Held {
    let when = u64::from(when);
    let pause = Duration::from_micros(when * when / 3);
    tokio::task::spawn_blocking(move || std::thread::sleep(pause)).await.map_err(Stop::failed)
}
