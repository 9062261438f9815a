//! The examples: templates, filled with what the job table and the other commands say. Pure.

use super::zuul;
use crate::{affected::jobs::Job, evidence::store, test::runner::REPORTS};

/// Where the examples are, relative to the workspace root.
pub const FOLDER: &str = "ci/examples";
const WRITTEN_BY: &str = "# Written by `cargo xtask ci-examples`; a test holds it to that.\n";

const TEMPLATES: [(&str, &str); 8] = [
    ("buildkite/pipeline.yml", include_str!("templates/buildkite.yml")),
    ("github/workflow.yml", include_str!("templates/github.yml")),
    ("gitlab/pipeline.yml", include_str!("templates/gitlab.yml")),
    ("gitlab/defaults.yml", include_str!("templates/gitlab-defaults.yml")),
    ("zuul/jobs.yaml", include_str!("templates/zuul.yaml")),
    ("zuul/plan.yaml", include_str!("templates/zuul-plan.yaml")),
    ("zuul/test.yaml", include_str!("templates/zuul-test.yaml")),
    ("zuul/post.yaml", include_str!("templates/zuul-post.yaml")),
];

/// Name (below [`FOLDER`]) and text of each example for these jobs.
#[must_use]
pub fn files(jobs: &[Job]) -> Vec<(&'static str, String)> {
    let facts = [
        ("@FOLDER@", FOLDER.to_owned()),
        ("@REPORTS@", REPORTS.to_owned()),
        ("@RECORDS@", format!("target/{}", store::DEFAULT)),
        ("@JOBS@", zuul::definitions(jobs, FOLDER)),
        ("@NAMES@", zuul::names(jobs)),
    ];
    let fill = |template: &str| {
        let filled = facts.iter().fold(template.to_owned(), |text, (mark, fact)| text.replace(mark, fact));
        format!("{WRITTEN_BY}{filled}")
    };
    TEMPLATES.into_iter().map(|(name, template)| (name, fill(template))).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{FOLDER, files};
    use crate::affected::{cargo::Cargo, jobs::JobTable};

    #[test]
    fn checked_in_examples_are_those_of_the_job_table() {
        let cargo = Cargo::read(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
        let table = JobTable::read(&cargo.root, &cargo.workspace).unwrap();
        for (name, text) in files(&table.jobs) {
            let checked_in = std::fs::read_to_string(cargo.root.join(FOLDER).join(name)).unwrap_or_default();
            assert_eq!(checked_in, text, "{FOLDER}/{name} is not up to date: run `cargo xtask ci-examples`");
        }
    }

    #[test]
    fn nothing_is_left_to_fill() {
        for (name, text) in files(&[]) {
            let mark =
                text.split('@').skip(1).find(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_uppercase()));
            assert_eq!(mark, None, "{name}");
        }
    }
}
