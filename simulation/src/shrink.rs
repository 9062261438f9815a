//! Making a failure smaller: the same seed with fewer requests and fewer kinds of faults, as long as it still fails.

use crate::{
    plan::Plan,
    run::{Report, run},
};

/// Runs that are spent on it at most.
const RUNS: u32 = 120;

/// The smallest failing run found. Another law may break in it than at first; it is as good to begin with.
#[must_use]
pub fn shrink(failed: Report) -> Report {
    let mut best = failed;
    let mut runs = 0;
    while let Some(smaller) = attempts(&best.plan).into_iter().find_map(|plan| {
        runs += 1;
        let report = (runs <= RUNS).then(|| run(plan, true))?;
        (!report.is_good()).then_some(report)
    }) {
        best = smaller;
    }
    best
}

/// Worlds that are a little smaller.
fn attempts(plan: &Plan) -> Vec<Plan> {
    let mut smaller = Vec::new();
    for requests in [plan.requests / 2, plan.requests.saturating_sub(1)] {
        if requests > 0 && requests < plan.requests {
            smaller.push(Plan { requests, ..plan.clone() });
        }
    }
    for fault in &plan.faults {
        let mut without = plan.clone();
        without.faults.remove(fault);
        smaller.push(without);
    }
    if plan.apis > 1 {
        smaller.push(Plan { apis: plan.apis - 1, ..plan.clone() });
    }
    smaller
}
