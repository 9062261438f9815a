//! `affected-tests --check`: the job table against the tree.

#![expect(clippy::unwrap_used, reason = "what cannot be read is a failed test")]

use std::fs;

use crate::repo::Repo;

/// The table with more at its end, everything tracked; exit status and lines.
fn checked(more: &str) -> (Option<i32>, String) {
    let repo = Repo::new();
    let table = fs::read_to_string(repo.path("ci/jobs.toml")).unwrap();
    repo.write("docs/a.md", "A page.\n");
    repo.write(".cargo/config.toml", "");
    let root = "[[rule]]\npaths = [\".gitignore\"]\njobs = \"none\"\nwhy = \"for git\"\n";
    repo.write("ci/jobs.toml", &format!("{}\n{root}{more}", table.trim()));
    repo.commit();
    let output = repo.affected(&["--check"]);
    (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

fn misfit(more: &str, expected: &str) {
    let (status, said) = checked(more);
    assert_eq!(status, Some(1), "{said}");
    assert_eq!(said, format!("{expected}\n"));
}

fn rule(paths: &str) -> String {
    format!("[[rule]]\npaths = [{paths}]\njobs = \"all\"\nwhy = \"because\"\n")
}

#[test]
fn a_table_that_fits_says_so() {
    let (status, said) = checked("");
    assert_eq!(status, Some(0), "{said}");
    assert!(said.starts_with("ci/jobs.toml fits: 7 jobs and 3 rules place all of "), "{said}");
}

#[test]
fn a_rule_without_a_path_is_told_with_its_line() {
    misfit(&rule("\"gone/**\""), "ci/jobs.toml:35: the rule (because) matches no tracked path");
    misfit(
        &rule("\"docs/*\""),
        "ci/jobs.toml:35: the rule (because) decides nothing: earlier rules match all of its paths",
    );
    misfit(
        &rule("\"tool/**\", \"/docs\""),
        "ci/jobs.toml:33: `/docs` can match no path: paths begin at the workspace root, without `/` or `..`",
    );
}

#[test]
fn what_a_job_reads_and_uses_must_be_there() {
    let job = "[[job]]\nname = \"more\"\npackages = [\"tool\"]\n";
    misfit(
        &format!("{job}reads = [\"gone/*.md\"]\n"),
        "ci/jobs.toml:35: job `more` reads `gone/*.md`, which matches no tracked path",
    );
    misfit(
        &format!("{job}venvs = [\"snakes\"]\n"),
        "ci/jobs.toml:35: job `more` uses the environment `snakes`: ci/venvs/snakes has none",
    );
}

#[test]
fn paths_that_nothing_places_are_listed_up_to_a_number() {
    let repo = Repo::new();
    for index in 0..25 {
        repo.write(&format!("stray/{index:02}"), "");
    }
    repo.commit();
    let output = repo.affected(&["--check"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("\n  stray/00\n") && said.contains("\n  and 6 more\n"), "{said}");
}
