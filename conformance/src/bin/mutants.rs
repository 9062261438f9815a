//! Prints which case catches which mutant: all mutants, all cases.
//!
//! `mutants` prints the table as Markdown; `mutants --json` as JSON. Cases or mutants may be named by number: `mutants 18
//! 19` plays the mutants that break behaviours 18 and 19. The exit status is 1 if a mutant survives the case that is meant
//! for it. Progress goes to standard error.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use ashlar_conformance::{
    cases,
    mutants::{Row, Table, all, table},
};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (flags, numbers): (Vec<_>, Vec<_>) = words.iter().partition(|word| word.starts_with('-'));
    let numbers: Result<Vec<u8>, _> = numbers.into_iter().map(|word| word.parse()).collect();
    let (Ok(numbers), true) = (numbers, flags.iter().all(|flag| *flag == "--json")) else {
        return said(writeln!(io::stderr(), "usage: mutants [--json] [NUMBER..]"), ExitCode::from(2));
    };
    let mutants: Vec<_> =
        all().into_iter().filter(|mutant| numbers.is_empty() || numbers.contains(&mutant.breaks)).collect();
    let table = table(&mutants, &cases::all(), &progress);
    let shown = if flags.is_empty() { write!(io::stdout(), "{table}") } else { json(&table) };
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
