//! A plan as a nextest filterset: `cargo nextest run -E "$(cargo xtask affected-tests --format filterset)"`.

use crate::affected::plan::{Plan, State};

/// All tests of the jobs to run, on one line; `none()` where there is none.
#[must_use]
pub fn filterset(plan: &Plan) -> String {
    let running = plan.jobs.iter().filter(|decision| decision.state == State::Run);
    let filters: Vec<String> = running.map(|decision| format!("({})", decision.job.filter)).collect();
    if filters.is_empty() { "none()\n".to_owned() } else { filters.join(" + ") + "\n" }
}
