//! What a tool's answers are worth, held against the truth. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{tools::Answer, truth::Need};

/// One case, after everybody answered.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    /// Its name.
    pub(super) case: String,
    /// What was done, on one line.
    pub(super) edits: String,
    /// Each job there is, and whether it is needed.
    pub(super) truth: BTreeMap<String, Need>,
    /// Jobs that policy runs whatever the truth is: a driver's own folder, or a base that cannot be known.
    pub(super) forced: BTreeSet<String>,
    /// What each tool answered, in the order of the tools.
    pub(super) answers: Vec<Answer>,
}

/// A row of the table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Row {
    /// Who.
    pub(super) tool: String,
    /// Cases with exactly the needed jobs.
    pub(super) exact: usize,
    /// Cases with the needed jobs and none but those that policy runs beside.
    pub(super) exact_but_for_policy: usize,
    /// Cases in which a needed job was left out.
    pub(super) unsound: usize,
    /// Of those, cases in which a job that turned red was left out.
    pub(super) fatal: usize,
    /// Jobs that were run and not needed.
    pub(super) extra: usize,
    /// Of those, jobs that policy runs.
    pub(super) extra_by_policy: usize,
    /// Cases that the tool refused to answer; all jobs count as run.
    pub(super) refused: usize,
    /// What it said when it first did.
    pub(super) refusal: Option<String>,
}

/// One job of one case that a tool got wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// The case.
    pub(super) case: String,
    /// What was done.
    pub(super) edits: String,
    /// The job.
    pub(super) job: String,
    /// For a miss: why it is needed, and whether it turned red. For an extra: whether policy runs it.
    pub(super) why: String,
}

/// The figures of all cases together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Totals {
    /// Cases.
    pub(super) cases: usize,
    /// Jobs that are needed, over all cases.
    pub(super) needed: usize,
    /// Jobs there are, over all cases.
    pub(super) jobs: usize,
    /// Cases in which a job turned red.
    pub(super) red: usize,
    /// Jobs whose outcome differed though nothing hinted at it: gaps of the truth itself, closed by a sampled run.
    pub(super) surprises: usize,
}

/// The row of the tool with this index.
pub(super) fn row(tool: &str, index: usize, judged: &[Judged]) -> Row {
    let mut row = Row { tool: tool.to_owned(), ..Row::default() };
    for case in judged {
        let answer = &case.answers[index];
        let missed: Vec<&Need> = missed(case, answer).map(|(_, need)| need).collect();
        let extra: Vec<&String> = extra(case, answer).collect();
        let by_policy = extra.iter().filter(|job| case.forced.contains(**job)).count();
        row.exact += usize::from(missed.is_empty() && extra.is_empty());
        row.exact_but_for_policy += usize::from(missed.is_empty() && extra.len() == by_policy);
        row.unsound += usize::from(!missed.is_empty());
        row.fatal += usize::from(missed.iter().any(|need| need.turned_red));
        row.extra += extra.len();
        row.extra_by_policy += by_policy;
        row.refused += usize::from(answer.refused.is_some());
        row.refusal = row.refusal.or_else(|| answer.refused.clone());
    }
    row
}

/// The misses of a tool, in the order of cases.
pub(super) fn misses(index: usize, judged: &[Judged]) -> Vec<Finding> {
    let of_case = |case| missed(case, &case.answers[index]).map(|(job, need)| finding(case, job, reason(need)));
    judged.iter().flat_map(of_case).collect()
}

/// The jobs that a tool ran without need, in the order of cases.
pub(super) fn extras(index: usize, judged: &[Judged]) -> Vec<Finding> {
    let of_case = |case| {
        extra(case, &case.answers[index]).map(|job| {
            let why = if case.forced.contains(job) { "by policy" } else { "not needed" };
            finding(case, job, why.to_owned())
        })
    };
    judged.iter().flat_map(of_case).collect()
}

/// What the cases come to.
pub(super) fn totals(judged: &[Judged]) -> Totals {
    let needs = || judged.iter().flat_map(|case| case.truth.values());
    Totals {
        cases: judged.len(),
        needed: needs().filter(|need| need.why.is_some()).count(),
        jobs: needs().count(),
        red: judged.iter().filter(|case| case.truth.values().any(|need| need.turned_red)).count(),
        surprises: needs().filter(|need| need.surprise).count(),
    }
}

fn missed<'c>(case: &'c Judged, answer: &'c Answer) -> impl Iterator<Item = (&'c String, &'c Need)> {
    let needed = case.truth.iter().filter(|(_, need)| need.why.is_some());
    needed.filter(|(job, _)| !answer.run.contains(*job) && !answer.skipped.contains(*job))
}

fn extra<'c>(case: &'c Judged, answer: &'c Answer) -> impl Iterator<Item = &'c String> {
    let unneeded = case.truth.iter().filter(|(_, need)| need.why.is_none());
    unneeded.map(|(job, _)| job).filter(|job| answer.run.contains(*job))
}

fn reason(need: &Need) -> String {
    let why = need.why.clone().unwrap_or_default();
    if need.turned_red { format!("FATAL: it turned red; {why}") } else { why }
}

fn finding(case: &Judged, job: &str, why: String) -> Finding {
    Finding { case: case.case.clone(), edits: case.edits.clone(), job: job.to_owned(), why }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Judged, Need, extras, misses, row, totals};

    fn names<const N: usize>(jobs: [&str; N]) -> std::collections::BTreeSet<String> {
        jobs.map(str::to_owned).into()
    }

    /// `a` is needed and turns red, `b` is needed, `c` is not, `d` is run by policy.
    fn judged<const N: usize>(run: [&str; N]) -> Vec<Judged> {
        let need = |job: &str, why: Option<&str>, turned_red| {
            (job.to_owned(), Need { why: why.map(str::to_owned), turned_red, surprise: false })
        };
        vec![Judged {
            case: "x/y".to_owned(),
            edits: String::new(),
            truth: [
                need("a", Some("x"), true),
                need("b", Some("x"), false),
                need("c", None, false),
                need("d", None, false),
            ]
            .into(),
            forced: names(["d"]),
            answers: vec![Answer { run: names(run), ..Answer::default() }],
        }]
    }

    #[test]
    fn exact_is_neither_more_nor_less() {
        assert_eq!(row("t", 0, &judged(["a", "b"])).exact, 1);
        let with_policy = row("t", 0, &judged(["a", "b", "d"]));
        assert_eq!((with_policy.exact, with_policy.exact_but_for_policy), (0, 1));
        assert_eq!((with_policy.extra, with_policy.extra_by_policy), (1, 1));
        assert_eq!(row("t", 0, &judged(["a", "b", "c"])).exact_but_for_policy, 0);
    }

    #[test]
    fn a_miss_is_unsound_and_fatal_where_the_job_turned_red() {
        let harmless = row("t", 0, &judged(["a"]));
        assert_eq!((harmless.unsound, harmless.fatal), (1, 0));
        let fatal = row("t", 0, &judged(["b", "c"]));
        assert_eq!((fatal.unsound, fatal.fatal, fatal.extra), (1, 1, 1));
        assert_eq!(misses(0, &judged(["b", "c"]))[0].job, "a");
        assert_eq!(extras(0, &judged(["b", "c"]))[0].job, "c");
    }

    #[test]
    fn what_a_team_skips_is_no_miss() {
        let mut judged = judged(["a"]);
        judged[0].answers[0].skipped = names(["b"]);
        assert_eq!(row("t", 0, &judged).unsound, 0);
    }

    #[test]
    fn totals_count_jobs_over_cases() {
        let totals = totals(&judged([]));
        assert_eq!((totals.cases, totals.needed, totals.jobs, totals.red), (1, 2, 4, 1));
    }
}
