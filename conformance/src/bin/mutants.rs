//! Prints which case catches which mutant, as Markdown; with `--json`, as JSON.
//!
//! Played on each mutant are the cases of the group that it breaks, or with `--every` all. `mutants 18 19` plays the mutants
//! that break behaviours 18 and 19 only. The exit status is 1 if a mutant survives the case that is meant for it. Progress
//! goes to standard error.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use ashlar_conformance::{
    cases,
    mutants::{Reach, Row, Table, all, table},
};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (flags, numbers): (Vec<_>, Vec<_>) = words.iter().partition(|word| word.starts_with('-'));
    let numbers: Result<Vec<u8>, _> = numbers.into_iter().map(|word| word.parse()).collect();
    let (Ok(numbers), true) = (numbers, flags.iter().all(|flag| ["--json", "--every"].contains(&flag.as_str()))) else {
        return said(writeln!(io::stderr(), "usage: mutants [--json] [--every] [NUMBER..]"), ExitCode::from(2));
    };
    let mutants: Vec<_> =
        all().into_iter().filter(|mutant| numbers.is_empty() || numbers.contains(&mutant.breaks)).collect();
    let given = |flag: &str| flags.iter().any(|given| given.as_str() == flag);
    let reach = if given("--every") { Reach::Every } else { Reach::Group };
    let table = table(&mutants, &cases::all(), reach, &progress);
    let shown = if given("--json") { json(&table) } else { write!(io::stdout(), "{table}") };
    said(shown, if table.survivors().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn progress(row: &Row) {
    let told = if row.is_caught() { "caught" } else { "SURVIVED" };
    // A closed standard error is no reason to stop.
    let _ = writeln!(io::stderr(), "{told} {:02} {}", row.breaks, row.mutant);
}

fn json(table: &Table) -> io::Result<()> {
    serde_json::to_writer_pretty(io::stdout(), table)?;
    writeln!(io::stdout())
}

/// What could not be told is not well.
fn said(told: io::Result<()>, status: ExitCode) -> ExitCode {
    if told.is_ok() { status } else { ExitCode::FAILURE }
}
