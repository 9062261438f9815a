//! The test program of a driver: every case on every subject, listed one by one, so that nextest runs them apart and its
//! report shows each.

use std::{
    ffi::OsString,
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use libtest_mimic::{Arguments, Failed, Trial};
use serde::{Deserialize, Serialize};

use crate::{
    cases::{self, Case},
    outcome::{Outcome, Stop},
    program::watch::{self, Seen},
    stage::Stage,
    subject::Subject,
};

/// Where results are written besides the test report, a file a case: for `cargo xtask compliance`.
pub const REPORT_VARIABLE: &str = "ASHLAR_CONFORMANCE_REPORT";
/// The seed of a run, as a number.
pub const SEED_VARIABLE: &str = "ASHLAR_CONFORMANCE_SEED";
/// How many sequences each case of the model plays, however long that takes; without it, some that take seconds.
pub const SEQUENCES_VARIABLE: &str = "ASHLAR_CONFORMANCE_SEQUENCES";
/// A case that blocks its threads cannot end itself at its limit, and is left behind so much later.
const GRACE: Duration = Duration::from_millis(500);
/// A case that has not ended by then has failed: it hangs. A subject may say otherwise.
pub(crate) const CASE_LIMIT: Duration = Duration::from_secs(180);
/// A case of the model that was asked for so many sequences has so much longer for each.
const SEQUENCE_LIMIT: Duration = Duration::from_secs(20);

/// The result of a case, as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Result {
    /// The subject's name.
    pub subject: String,
    /// The behaviour's number.
    pub number: u8,
    /// Its group.
    pub group: String,
    /// Its name.
    pub name: String,
    /// The clauses that it follows from.
    pub clauses: Vec<String>,
    /// What the driver must claim for it to apply.
    pub need: String,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// How long it took.
    pub milliseconds: u64,
    /// What was left to chance.
    pub seed: u64,
}

/// Runs the suite on these subjects, as the arguments of the program ask.
#[must_use]
pub fn main(subjects: Vec<Box<dyn Subject>>) -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for subject in subjects {
        let subject: Arc<dyn Subject> = subject.into();
        for case in cases::all() {
            trials.push(trial(Arc::clone(&subject), case));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(subject: Arc<dyn Subject>, case: Case) -> Trial {
    let behaviour = case.behaviour;
    let name = format!("{}::{}::{:02}_{}", subject.name(), behaviour.group.name(), behaviour.number, behaviour.name);
    let claimed = behaviour.need.is_claimed(&subject.claims());
    let trial = Trial::test(name, move || match run(&subject, case).outcome {
        Outcome::Passed | Outcome::Unsupported(_) => Ok(()),
        Outcome::Failed(why) => Err(Failed::from(why)),
        Outcome::NotRun(why) => Err(Failed::from(format!("not run: {why}"))),
    });
    if claimed { trial } else { trial.with_kind("unsupported") }
}

/// Runs one case on a fresh backend of the subject, and writes the result where that is asked for.
#[must_use]
pub fn run(subject: &Arc<dyn Subject>, case: Case) -> Result {
    let limit = subject.case_limit() + SEQUENCE_LIMIT * sequences().unwrap_or(0);
    report(judge(subject, case, limit))
}

/// Runs one case on a fresh backend of the subject, for no longer than `limit`.
#[must_use]
pub fn judge(subject: &Arc<dyn Subject>, case: Case, limit: Duration) -> Result {
    let seed = seed();
    let started = Instant::now();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => {
            // Waited for outside of the runtime as well, whose threads a driver may block.
            let (done, waits) = mpsc::channel();
            let subject = Arc::clone(subject);
            runtime.spawn(async move {
                let played = tokio::time::timeout(limit, play(subject, case, seed));
                done.send(watch::watched(played).await)
            });
            let late = || Outcome::Failed(format!("not done after {limit:?}"));
            let outcome = match waits.recv_timeout(limit + GRACE) {
                Ok((played, seen)) => around(played.unwrap_or_else(|_late| late()), &seen),
                Err(RecvTimeoutError::Timeout) => late(),
                Err(RecvTimeoutError::Disconnected) => Outcome::Failed("the case panicked; see above".to_owned()),
            };
            // What hangs must not hang the suite.
            runtime.shutdown_timeout(Duration::from_secs(1));
            outcome
        }
        Err(error) => Outcome::NotRun(format!("cannot start a runtime: {error}")),
    };
    let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let behaviour = case.behaviour;
    Result {
        subject: subject.name(),
        number: behaviour.number,
        group: behaviour.group.name().to_owned(),
        name: behaviour.name.to_owned(),
        clauses: behaviour.clauses.iter().map(|clause| (*clause).to_owned()).collect(),
        need: behaviour.need.name().to_owned(),
        outcome,
        milliseconds,
        seed,
    }
}

/// A program that did wrong fails the case, whatever the case made of it; and a case without its client did not run.
fn around(outcome: Outcome, seen: &Seen) -> Outcome {
    let why = match &outcome {
        Outcome::Passed | Outcome::Unsupported(_) => String::new(),
        Outcome::Failed(why) | Outcome::NotRun(why) => format!("; the case saw: {why}"),
    };
    if !seen.faults.is_empty() {
        return Outcome::Failed(seen.faults.join("; ") + &why);
    }
    if !seen.missing.is_empty() {
        return Outcome::NotRun(seen.missing.join("; "));
    }
    outcome
}

/// Plays a case, or sees that the driver rightly has nothing to play it with.
async fn play(subject: Arc<dyn Subject>, case: Case, seed: u64) -> Outcome {
    let need = case.behaviour.need;
    let played = async {
        let stage = Stage::raise(&subject, seed).await?;
        stage.claims_hold().await?;
        if !need.is_claimed(&stage.claims) {
            return Ok(Outcome::Unsupported(need.name().to_owned()));
        }
        (case.run)(&stage).await?;
        stage.is_tidy().await?;
        Ok(Outcome::Passed)
    };
    match played.await {
        Ok(outcome) => outcome,
        Err(Stop::Failed(why)) => Outcome::Failed(why),
        Err(Stop::NotRun(why)) => Outcome::NotRun(why),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the main of every driver's suite, whose harness takes no further options"
)]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

fn seed() -> u64 {
    variable(SEED_VARIABLE).and_then(|seed| seed.into_string().ok()).and_then(|seed| seed.parse().ok()).unwrap_or(1)
}

/// How many sequences each case of the model is to play, if that was said.
pub(crate) fn sequences() -> Option<u32> {
    variable(SEQUENCES_VARIABLE)?.into_string().ok()?.parse().ok()
}

/// The package whose test program this is, as cargo says.
pub(crate) fn package() -> Option<String> {
    variable("CARGO_PKG_NAME")?.into_string().ok()
}

fn report(result: Result) -> Result {
    let Some(folder) = variable(REPORT_VARIABLE).map(PathBuf::from) else { return result };
    let file = folder.join(format!("{}.{:02}.json", result.subject, result.number));
    let written = std::fs::create_dir_all(&folder).and_then(|()| {
        let text = serde_json::to_vec_pretty(&result).map_err(std::io::Error::other)?;
        std::fs::write(&file, text)
    });
    match written {
        Ok(()) => result,
        Err(error) => {
            Result { outcome: Outcome::NotRun(format!("cannot write {}: {error}", file.display())), ..result }
        }
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::{Arc, Duration, Outcome, cases, judge};
    use crate::{
        claims::Claims,
        outcome::{Held, Stop},
        subject::{Site, Subject},
    };

    /// Holds the thread that polls it, as no driver may.
    struct Blocking;

    #[async_trait]
    impl Subject for Blocking {
        fn name(&self) -> String {
            "blocking".to_owned()
        }

        fn claims(&self) -> Claims {
            Claims::default()
        }

        async fn raise(&self) -> Held<Box<dyn Site>> {
            let (_held, never) = std::sync::mpsc::channel::<()>();
            let late = never.recv_timeout(Duration::from_secs(60));
            Err(Stop::failed(format!("{late:?}")))
        }
    }

    #[test]
    fn a_driver_that_blocks_its_thread_fails_its_case_in_time() {
        let subject: Arc<dyn Subject> = Arc::new(Blocking);
        let case = cases::all().remove(0);
        let result = judge(&subject, case, Duration::from_millis(50));
        assert_eq!(result.outcome, Outcome::Failed("not done after 50ms".to_owned()));
    }
}
