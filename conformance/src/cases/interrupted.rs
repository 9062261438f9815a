//! Calls that are stopped half-way, by whatever may stop them: what they leave is whole or not there, and the same call
//! again ends what was begun.

use std::time::{Duration, Instant};

use ashlar_common::driver::Kind;

use crate::{
    behaviour::{Behaviour, Group},
    claims::Need,
    outcome::{Held, Stop, ensure},
    stage::{Stage, eventually},
};

use super::{
    Case,
    change::{Change, Ground, Trial},
    change_state::State,
    interruption::{How, Interrupted, Moment, interrupt},
};

/// How many instants are tried of each change, where the site does not know steps.
const INSTANTS: u32 = 4;
/// The instants go a little beyond the time that the call takes by itself.
const REACH: f64 = 1.2;
/// No call has more steps.
const MOST_STEPS: usize = 200;

/// Behaviours 46, 47 and 49.
pub const CASES: &[Case] = &[
    Case {
        behaviour: Behaviour {
            number: 46,
            group: Group::Concurrency,
            name: "host_killed_at_any_step_leaves_whole_or_nothing_and_a_repeat_ends_it",
            clauses: &["call.1", "call.4", "copy.3", "inspect.1", "revert.3"],
            need: Need::Core,
        },
        run: |stage| Box::pin(every_change(stage, &[How::Kill])),
    },
    Case {
        behaviour: Behaviour {
            number: 47,
            group: Group::Concurrency,
            name: "unknown_outcome_is_told_as_such_and_found_out_by_a_look",
            clauses: &["call.1", "call.2", "call.3", "inspect.1"],
            need: Need::Core,
        },
        run: |stage| Box::pin(unknown_outcome(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 49,
            group: Group::Concurrency,
            name: "cancelled_call_ends_soon_and_leaves_whole_or_nothing",
            clauses: &["call.2", "call.3", "copy.3"],
            need: Need::Core,
        },
        run: |stage| Box::pin(every_change(stage, &[How::Cancel])),
    },
];

/// A site that knows steps can also make the backend fail, and lose its answers.
async fn unknown_outcome(stage: &Stage) -> Held {
    let hows: &[How] = match stage.site.steps() {
        Some(_) => &[How::Deadline, How::Refusal, How::LostAnswer],
        None => &[How::Deadline],
    };
    every_change(stage, hows).await
}

async fn every_change(stage: &Stage, hows: &[How]) -> Held {
    let (ground, begun) = (Ground::lay(stage).await?, Instant::now());
    let mut chance = fastrand::Rng::with_seed(stage.seed);
    for change in Change::all(&stage.claims) {
        for how in hows {
            if stage.site.steps().is_some() {
                at_every_step(stage, &ground, change, *how).await?;
            } else {
                let left = stage.interruptions_within().saturating_sub(begun.elapsed());
                at_some_instants(stage, &ground, change, *how, &mut chance, left).await?;
            }
        }
    }
    ground.is_whole(stage).await
}

async fn at_every_step(stage: &Stage, ground: &Ground, change: Change, how: How) -> Held {
    for step in 0..MOST_STEPS {
        if !at(stage, ground, change, how, Moment::Step(step)).await? {
            return ensure(step > 0, || format!("{change:?} has no step, though the site is said to know them"));
        }
    }
    Err(Stop::failed(format!("{change:?} has more than {MOST_STEPS} steps")))
}

async fn at_some_instants(
    stage: &Stage,
    ground: &Ground,
    change: Change,
    how: How,
    chance: &mut fastrand::Rng,
    left: Duration,
) -> Held {
    let begun = Instant::now();
    let usual = undisturbed(stage, ground, change).await?;
    for part in 1..INSTANTS {
        let share = (f64::from(part - 1) + chance.f64()) / f64::from(INSTANTS - 1);
        at(stage, ground, change, how, Moment::After(usual.mul_f64(REACH * share))).await?;
        if begun.elapsed() > left {
            return Ok(());
        }
    }
    at(stage, ground, change, how, Moment::After(Duration::ZERO)).await.map(drop)
}

/// How long the change takes when nothing stops it.
async fn undisturbed(stage: &Stage, ground: &Ground, change: Change) -> Held<Duration> {
    let trial = change.prepare(stage, ground).await?;
    let begun = Instant::now();
    let answer = trial.run(stage.driver().await.as_ref(), &stage.ctx()).await;
    let taken = begun.elapsed();
    let changed = answer.map_err(|error| Stop::failed(format!("{change:?}: {error}")))?;
    ensure(changed, || format!("{change:?} changed something, and says that it did not"))?;
    trial.clear(stage).await?;
    Ok(taken)
}

/// One change, stopped at one moment. Answers whether the moment came before the change's end.
async fn at(stage: &Stage, ground: &Ground, change: Change, how: How, moment: Moment) -> Held<bool> {
    let tried = async {
        let trial = change.prepare(stage, ground).await?;
        let Interrupted { answer, reached } = interrupt(stage, &trial, how, moment).await?;
        // What a host gave to the kernel or to its backend may go on after its death.
        let found = eventually(stage.site.settles_within(), || trial.state(stage, ground)).await?;
        if let Some(answer) = answer {
            keeps_its_word(how, &answer, found)?;
        }
        converges(stage, ground, &trial, found).await?;
        trial.clear(stage).await?;
        stage.becomes_tidy().await?;
        Ok(reached)
    };
    tried.await.map_err(|stop| match stop {
        Stop::Failed(why) => Stop::Failed(format!("{change:?}, stopped by {how:?} at {moment:?}: {why}")),
        other => other,
    })
}

/// What was answered is what is there.
fn keeps_its_word(how: How, answer: &ashlar_common::driver::Result<bool>, found: State) -> Held {
    match answer {
        Ok(_) => ensure(found == State::After, || {
            "the call answered that it was done, and nothing of it is there".to_owned()
        }),
        // Whoever answers for a dead host knows nothing.
        Err(_) if how == How::Kill => Ok(()),
        Err(error) => match error.kind() {
            Kind::Indeterminate => Ok(()),
            Kind::Unavailable | Kind::Busy => ensure(found == State::Before, || {
                format!("the answer, {}, means that nothing was changed, and all of it is there: {error}", error.kind())
            }),
            Kind::Fatal if how == How::Refusal => Ok(()),
            other => Err(Stop::failed(format!("the answer is {other}, which is not what stopped the call: {error}"))),
        },
    }
}

/// The same call again comes to what was wanted, and knows what was there.
async fn converges(stage: &Stage, ground: &Ground, trial: &Trial, found: State) -> Held {
    let answer = trial.run(stage.driver().await.as_ref(), &stage.ctx()).await;
    let changed = answer.map_err(|error| Stop::failed(format!("repeated: {}: {error}", error.kind())))?;
    // Of bytes nobody can tell without reading them whether they are so already.
    let tells = trial.change != Change::Revert;
    ensure(!(found == State::After && changed && tells), || {
        "all of it was there, and the repeated call says that it changed something".to_owned()
    })?;
    let now = trial.state(stage, ground).await?;
    ensure(now == State::After, || "repeated, the call answers that it is done, and it is not".to_owned())?;
    stage.becomes_tidy().await
}
