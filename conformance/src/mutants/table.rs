//! Which case catches which mutant.

use std::{
    fmt, panic,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::mutant::Mutant;
use crate::{
    cases::{self, Case},
    outcome::Outcome,
    suite,
};

/// A case that hangs on a mutant has caught it, and need not hang for long: on the honest driver none takes so long.
const CASE_LIMIT: Duration = Duration::from_secs(20);

/// What a case says of a mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cell {
    /// It failed.
    Caught,
    /// It passed.
    Passed,
    /// It does not apply, or could not be run.
    NotPlayed,
}

/// A mutant, and what the cases say of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The mutant's name.
    pub mutant: String,
    /// The number of the behaviour that it breaks.
    pub breaks: u8,
    /// What the case of that number said, if it caught it.
    pub why: Option<String>,
    /// What each case said, by the table's columns.
    pub cells: Vec<Cell>,
}

/// All mutants, and what all cases say of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// The numbers of the cases.
    pub cases: Vec<u8>,
    /// A row for each mutant.
    pub rows: Vec<Row>,
}

/// Whether the case that is meant for a mutant catches it: what the case said, or why it did not.
///
/// # Errors
/// The mutant survives, or there is no such case.
pub fn caught(mutant: &Mutant) -> Result<String, String> {
    let case = cases::all().into_iter().find(|case| case.behaviour.number == mutant.breaks);
    let Some(case) = case else { return Err(format!("there is no case {}", mutant.breaks)) };
    match judge(mutant, case) {
        Outcome::Failed(why) => Ok(why),
        Outcome::Passed => Err(format!("{} survives case {} {}", mutant.name, mutant.breaks, case.behaviour.name)),
        Outcome::Unsupported(what) => Err(format!("case {} was not played: no {what}", mutant.breaks)),
        Outcome::NotRun(why) => Err(format!("case {} could not be run: {why}", mutant.breaks)),
    }
}

/// Plays these cases on these mutants, some at a time, and tells `progress` of each mutant that is through.
pub fn table(mutants: &[Mutant], cases: &[Case], progress: &(dyn Fn(&Row) + Sync)) -> Table {
    let next = AtomicUsize::new(0);
    let rows = Mutex::new(Vec::new());
    // Cases wait more than they work.
    let workers = thread::available_parallelism().map_or(2, usize::from) * 4;
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(mutant) = mutants.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let row = row(mutant, cases);
                    progress(&row);
                    rows.lock().unwrap_or_else(PoisonError::into_inner).push(row);
                }
            });
        }
    });
    let mut rows = rows.into_inner().unwrap_or_else(PoisonError::into_inner);
    rows.sort_by(|one, other| (one.breaks, &one.mutant).cmp(&(other.breaks, &other.mutant)));
    Table { cases: cases.iter().map(|case| case.behaviour.number).collect(), rows }
}

fn row(mutant: &Mutant, cases: &[Case]) -> Row {
    let mut why = None;
    let mut cells = Vec::new();
    for case in cases {
        cells.push(match judge(mutant, *case) {
            Outcome::Failed(text) => {
                if case.behaviour.number == mutant.breaks {
                    why = Some(text);
                }
                Cell::Caught
            }
            Outcome::Passed => Cell::Passed,
            Outcome::Unsupported(_) | Outcome::NotRun(_) => Cell::NotPlayed,
        });
    }
    Row { mutant: mutant.name.to_owned(), breaks: mutant.breaks, why, cells }
}

/// A case that panics has not passed.
fn judge(mutant: &Mutant, case: Case) -> Outcome {
    match panic::catch_unwind(|| suite::judge(mutant, case, CASE_LIMIT).outcome) {
        Ok(outcome) => outcome,
        Err(_) => Outcome::Failed("the case panicked".to_owned()),
    }
}

impl Row {
    /// Whether the case that is meant for the mutant caught it.
    #[must_use]
    pub fn is_caught(&self) -> bool {
        self.why.is_some()
    }
}

impl Table {
    /// The mutants that their case did not catch.
    #[must_use]
    pub fn survivors(&self) -> Vec<&Row> {
        self.rows.iter().filter(|row| !row.is_caught()).collect()
    }
}

/// As Markdown: a line for each mutant, with the case that is meant for it, what that said, and who else caught it.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| Mutant | Breaks | Caught | Also caught by | What the case said |")?;
        writeln!(f, "|---|---|---|---|---|")?;
        for row in &self.rows {
            let others = self.cases.iter().zip(&row.cells);
            let others = others.filter(|(case, cell)| **case != row.breaks && **cell == Cell::Caught);
            let others: Vec<String> = others.map(|(case, _)| case.to_string()).collect();
            let why = row.why.as_deref().unwrap_or("").replace('|', "\\|").replace('\n', " ");
            let caught = if row.is_caught() { "yes" } else { "NO" };
            writeln!(f, "| {} | {} | {caught} | {} | {why} |", row.mutant, row.breaks, others.join(", "))?;
        }
        let caught = self.rows.len() - self.survivors().len();
        writeln!(f, "\n{caught} of {} mutants are caught by the case that is meant for them.", self.rows.len())
    }
}
