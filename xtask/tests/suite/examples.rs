//! The examples in `ci/examples`, and what `affected-tests` prints for CI systems, before each system's own schema.

#![expect(clippy::unwrap_used, reason = "what cannot be read is a failed test")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use xshell::{Shell, cmd};

use crate::repo::Repo;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn example(name: &str) -> String {
    fs::read_to_string(root().join("ci/examples").join(name)).unwrap()
}

fn program(name: &str) -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "tests are told here where the schemas are")]
    let folder = std::env::var_os("ASHLAR_SCHEMAS_VENV");
    let folder = folder.expect("ASHLAR_SCHEMAS_VENV is not set: run `cargo xtask test xtask`, which makes it");
    PathBuf::from(folder).join("bin").join(name)
}

/// Whether the system takes the text, and what it says.
fn accepted(system: &str, text: &str) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file.yml");
    fs::write(&file, text).unwrap();
    let shell = Shell::new().unwrap();
    let command = match system {
        "zuul" => {
            let (python, root) = (program("python"), root());
            cmd!(shell, "{python} {root}/ci/venvs/schemas/check_zuul.py {file} {root}")
        }
        _ => {
            let check = program("check-jsonschema");
            let transform: &[&str] = if system == "gitlab-ci" { &["--data-transform", "gitlab-ci"] } else { &[] };
            cmd!(shell, "{check} --builtin-schema vendor.{system} {transform...} {file}")
        }
    };
    let output = command.quiet().ignore_status().output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

/// The text is taken, and refused with `fault` in the place of `part`: so the schema was looked at.
fn check(system: &str, text: &str, part: &str, fault: &str) {
    let (taken, said) = accepted(system, text);
    assert!(taken, "{system}: {said}\n{text}");
    assert!(text.contains(part), "`{part}` is not in {text}");
    let (taken, said) = accepted(system, &text.replace(part, fault));
    assert!(!taken, "{system} takes `{fault}` for `{part}`: {said}");
}

#[test]
fn github_takes_its_example() {
    check("github-workflows", &example("github/workflow.yml"), "runs-on:", "runs_on:");
}

#[test]
fn gitlab_takes_its_examples() {
    check("gitlab-ci", &example("gitlab/pipeline.yml"), "stage: test", "stage: []");
    check("gitlab-ci", &example("gitlab/defaults.yml"), "interruptible: true", "interruptible: often");
}

#[test]
fn buildkite_takes_its_example() {
    check("buildkite", &example("buildkite/pipeline.yml"), "timeout_in_minutes: 30", "timeout_in_minutes: soon");
}

#[test]
fn zuul_takes_its_example() {
    let text = example("zuul/jobs.yaml");
    check("zuul", &text, "voting: true", "voting: maybe");
    check("zuul", &text, "dependencies: [affected-plan]", "dependencies: [affected-plans]");
    check("zuul", &text, "zuul/plan.yaml", "zuul/plans.yaml");
}

#[test]
fn every_job_that_zuul_is_told_of_is_in_its_example() {
    let shell = Shell::new().unwrap();
    shell.change_dir(root());
    let (program, base) = (env!("CARGO_BIN_EXE_xtask"), "0".repeat(40));
    let told = cmd!(shell, "{program} affected-tests --base {base} --format zuul").quiet().read().unwrap();
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let known = example("zuul/jobs.yaml");
    let names = told["zuul"]["child_jobs"].as_array().unwrap();
    assert!(!names.is_empty());
    for name in names {
        assert!(known.contains(&format!("name: {}\n", name.as_str().unwrap())), "{name}");
    }
}

/// Plans with every job but one, with one, and with none.
fn printed(format: &str) -> [String; 3] {
    let repo = Repo::new();
    let jobs = fs::read_to_string(repo.path("ci/jobs.toml")).unwrap();
    let lab = "\n[[lab]]\nname = \"rig\"\nraise = \"up\"\nlower = \"down\"\n";
    repo.write("ci/jobs.toml", &format!("{jobs}{lab}"));
    repo.write("drivers/nfs/job.toml", "lab = \"rig\"\nvoting = false\ncommand = \"echo $HOME '\\\"' && make\"\n");
    repo.commit();
    ["common/src/lib.rs", "drivers/nfs/src/lib.rs", "README.md"].map(|changed| {
        repo.write(changed, "//! Another.\n");
        let output = repo.affected(&["--base", "HEAD", "--format", format]);
        repo.commit();
        String::from_utf8(output.stdout).unwrap()
    })
}

#[test]
fn gitlab_takes_every_plan() {
    for plan in printed("gitlab") {
        check("gitlab-ci", &plan, "\"script\"", "\"skript\"");
    }
}

#[test]
fn buildkite_takes_every_plan() {
    for plan in printed("buildkite") {
        check("buildkite", &plan, "\"steps\"", "\"stages\"");
    }
}

#[test]
fn github_takes_every_plan_but_the_one_that_the_example_guards_against() {
    // A matrix is a part of a workflow only.
    let around = |matrix: &str| {
        let job = "runs-on: x, steps: [{run: x}], strategy: {fail-fast: false, matrix: ";
        format!("on: push\njobs: {{test: {{{job}{matrix}}}}}}}\n")
    };
    let [many, one, none] = printed("github");
    for matrix in [many, one] {
        check("github-workflows", &around(&matrix), "matrix", "matrices");
    }
    assert!(!accepted("github-workflows", &around(&none)).0);
    assert!(example("github/workflow.yml").contains(&format!("if: needs.plan.outputs.matrix != '{}'", none.trim())));
}
