//! Plays many sequences, and makes the shortest of one that fails.

use std::{
    fmt::Write,
    time::{Duration, Instant},
};

use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use super::{
    player::{self, Played},
    sequence::{Drawn, Flavour, sequences},
};
use crate::{
    outcome::{Held, Stop},
    stage::Stage,
    suite,
};

/// The longest sequence.
const LONGEST: usize = 40;
/// Without a number of sequences, no more than these, and none is begun after so long.
const BUDGET: (u32, Duration) = (100, Duration::from_secs(4));
/// No longer than this is spent on making a sequence shorter, and no more tries.
const SHRINKING: (u32, Duration) = (300, Duration::from_secs(60));

/// A sequence that does not follow the model, and what it was made from.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The seed that draws it first.
    pub(crate) seed: u64,
    /// How many steps were drawn.
    pub(crate) drawn: usize,
    /// How many sequences were played to make it shorter.
    pub(crate) tries: u32,
    /// The steps of the shortest that failed, in words.
    pub(crate) steps: Vec<String>,
    /// What was wrong.
    pub(crate) why: String,
}

/// Plays sequences of a flavour, each on a fresh backend.
///
/// # Errors
/// One does not follow the model: the shortest that was made of it, and how to play it again.
pub(crate) async fn search(stage: &Stage, number: u8, flavour: Flavour) -> Held {
    let count = suite::sequences();
    match find(stage, flavour, count).await? {
        None => Ok(()),
        Some(failure) => Err(Stop::Failed(failure.report(&stage.subject(), number))),
    }
}

/// The shortest sequence that fails, if one of so many does.
///
/// # Errors
/// `NotRun`: the backend cannot be had any more.
pub(crate) async fn find(stage: &Stage, flavour: Flavour, count: Option<u32>) -> Held<Option<Failure>> {
    let began = Instant::now();
    let (most, long) = count.map_or(BUDGET, |count| (count, Duration::MAX));
    for seed in (stage.seed..).take(usize::try_from(most).unwrap_or(usize::MAX)) {
        if began.elapsed() > long {
            break;
        }
        let mut tree = draw(seed, flavour)?;
        if let Some(failed) = fails(stage, flavour, &tree.current()).await? {
            let drawn = tree.current().len();
            return shrink(stage, flavour, &mut tree, failed)
                .await
                .map(|(tries, steps, why)| Some(Failure { seed, drawn, tries, steps, why }));
        }
    }
    Ok(None)
}

/// The one sequence of a seed.
pub(crate) fn draw(seed: u64, flavour: Flavour) -> Held<impl ValueTree<Value = Vec<Vec<Drawn>>> + Send> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    sequences(flavour, LONGEST).new_tree(&mut runner).map_err(Stop::failed)
}

/// Plays one sequence: its steps and what was wrong, if anything was.
async fn fails(stage: &Stage, flavour: Flavour, sequence: &[Vec<Drawn>]) -> Held<Option<(Vec<String>, String)>> {
    let fresh = stage.another().await?;
    let Played { steps, held } = player::play(&fresh, flavour, sequence).await;
    match held {
        Ok(()) => Ok(None),
        Err(Stop::Failed(why)) => Ok(Some((steps, why))),
        Err(not_run @ Stop::NotRun(_)) => Err(not_run),
    }
}

/// Goes the way that proptest's runner goes, which cannot await.
async fn shrink(
    stage: &Stage,
    flavour: Flavour,
    tree: &mut (impl ValueTree<Value = Vec<Vec<Drawn>>> + Send),
    failed: (Vec<String>, String),
) -> Held<(u32, Vec<String>, String)> {
    let mut shrinking = Shrinking { stage, flavour, best: (tree.current(), failed), tries: 0, began: Instant::now() };
    let mut more = tree.simplify();
    while more && !shrinking.is_over() {
        more = if shrinking.fails_too(tree.current()).await? { tree.simplify() } else { tree.complicate() };
    }
    shrinking.leave_out().await?;
    let (_, (steps, why)) = shrinking.best;
    Ok((shrinking.tries, steps, why))
}

/// The shortest sequence so far that fails.
struct Shrinking<'s> {
    stage: &'s Stage,
    flavour: Flavour,
    best: (Vec<Vec<Drawn>>, (Vec<String>, String)),
    tries: u32,
    began: Instant,
}

impl Shrinking<'_> {
    fn is_over(&self) -> bool {
        self.tries >= SHRINKING.0 || self.began.elapsed() >= SHRINKING.1
    }

    async fn fails_too(&mut self, sequence: Vec<Vec<Drawn>>) -> Held<bool> {
        self.tries += 1;
        let failed = fails(self.stage, self.flavour, &sequence).await?;
        let fails_too = failed.is_some();
        if let Some(failed) = failed {
            self.best = (sequence, failed);
        }
        Ok(fails_too)
    }

    /// Takes out one step or call after the other until each is needed: proptest tries that once, before it makes the
    /// rest simpler, and what was needed then may not be now.
    async fn leave_out(&mut self) -> Held {
        let mut at = 0;
        while let Some(shorter) = without(&self.best.0, at)
            && !self.is_over()
        {
            at = if self.fails_too(shorter).await? { 0 } else { at + 1 };
        }
        Ok(())
    }
}

/// The sequence without one of its calls; `None` if it has not so many.
fn without(sequence: &[Vec<Drawn>], at: usize) -> Option<Vec<Vec<Drawn>>> {
    let mut sequence = sequence.to_vec();
    let mut left = at;
    for step in &mut sequence {
        if left < step.len() {
            step.remove(left);
            sequence.retain(|step| !step.is_empty());
            return Some(sequence);
        }
        left -= step.len();
    }
    None
}

impl Failure {
    /// For people: what happened, and how to see it again.
    #[must_use]
    pub(crate) fn report(&self, subject: &str, number: u8) -> String {
        let Self { seed, drawn, tries, steps, why } = self;
        let mut text = format!("{why}\nafter the last of these steps (the shortest of {drawn}, in {tries} tries):\n");
        for (nth, step) in (1..).zip(steps) {
            // Text never refuses more text.
            let _ = writeln!(text, "{nth:3}. {step}");
        }
        let package = suite::package().unwrap_or_else(|| "PACKAGE".to_owned());
        let test = format!("-E 'test({subject}::model::{number})'");
        let _ = write!(
            text,
            "again: {}={seed} {}=1 cargo nextest run -p {package} {test}",
            suite::SEED_VARIABLE,
            suite::SEQUENCES_VARIABLE
        );
        text
    }
}
