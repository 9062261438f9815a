//! What defines the jobs themselves. What a job is leaves no trace in a run of its tests, so some of these say whom
//! they govern.

use super::{Case, Place, append, case, put, replace};
use crate::affected_bench::workspace::TOO_MUCH;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("ci/script", [replace("ci/tool.sh", "-lt 100", "-lt 10")]),
        case("ci/script-data", [put("ci/tool.limit", TOO_MUCH)]),
        case("ci/script-data-unstaged", [put("ci/tool.limit", TOO_MUCH)]).at(Place::WorkTree),
        case("ci/jobs", [append("ci/jobs.toml", "# A comment.\n")]).governing_everything(),
        case("ci/pipeline", [append(".github/workflows/ci.yml", "jobs: {}\n")]).governing_everything(),
        case("ci/unknown-file", [put("ci/other.txt", "x\n")]),
        case("ci/driver-job-file", [put("drivers/lvm/job.toml", "timeout-minutes = 5\n")]),
        case("ci/driver-job-file-staged", [put("drivers/rbd/job.toml", "voting = true\n")]).at(Place::Staged),
        case("ci/readme", [append("ci/README.md", "More.\n")]),
    ]
}
