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
    outcome::Held,
    stage::Stage,
};

/// A call that nothing befalls ends by then.
const LIMIT: Duration = Duration::from_secs(30);

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
}

/// What is known of a call of which the answer was lost if it was a good one.
fn lost(told: Told) -> (Seen, Told) {
    match told.answer {
        Answer::Refused(Kind::Indeterminate) => (Seen::Done, told),
        answer => (Seen::Answer(answer), told),
    }
}

pub(super) fn is_refusal(answer: Answer) -> bool {
    matches!(answer, Answer::Refused(_))
}
