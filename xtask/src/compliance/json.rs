//! The judgement for programs.

use anyhow::Result;
use serde::Serialize;

use super::{
    judge::{Judged, Judgement},
    mutants::Mutant,
    results::Case,
};

const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    passes: bool,
    seed: u64,
    drivers: Vec<Driver<'a>>,
    controls: Driver<'a>,
    mutants: &'a [Mutant],
}

#[derive(Serialize)]
struct Driver<'a> {
    name: &'a str,
    passes: bool,
    complaints: &'a [String],
    cases: &'a [Case],
}

impl<'a> Driver<'a> {
    fn of(judged: &'a Judged) -> Self {
        Self { name: &judged.name, passes: judged.passes(), complaints: &judged.complaints, cases: &judged.cases }
    }
}

/// One document, with a newline at its end.
///
/// # Errors
/// None that a judgement can cause.
pub fn json(judgement: &Judgement) -> Result<String> {
    let document = Document {
        schema: SCHEMA,
        passes: judgement.passes(),
        seed: judgement.seed,
        drivers: judgement.drivers.iter().map(Driver::of).collect(),
        controls: Driver::of(&judgement.controls),
        mutants: &judgement.mutants,
    };
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}
