use anstream::adapter::strip_str;

use super::{
    buildkite::buildkite, filterset::filterset, github::github, gitlab::gitlab, json::json, text::text, zuul::zuul,
};
use crate::affected::{
    jobs::{Job, OnCommonChange},
    path::RepoPath,
    plan::{Cause, Decision, Plan, Scope, State, Step},
};

fn decision(name: &str, state: State, voting: bool, cause: Option<Cause>) -> Decision {
    let job = Job {
        name: name.to_owned(),
        packages: vec![format!("ashlar-{name}")],
        brought_by: None,
        filter: format!("package(=ashlar-{name})"),
        command: format!("run {name}"),
        lab: (name == "driver-lvm").then(|| "loop".to_owned()),
        venvs: Vec::new(),
        voting: true,
        on_common_change: OnCommonChange::Gate,
        owners: vec!["@ashlar/team".to_owned()],
        timeout_minutes: 5,
        reads: Vec::new(),
        reads_told: false,
        proofs: false,
    };
    Decision { job, state, voting, cause, proof: None }
}

fn plan() -> Plan {
    let cause = |scope, packages: &[&str]| Cause {
        scope,
        steps: packages.iter().map(|name| Step::Package((*name).to_owned())).collect(),
        path: RepoPath::new(*b"common/a\n\xff"),
    };
    Plan {
        compared: "abc to HEAD".to_owned(),
        changed_paths: 1,
        every_job: None,
        jobs: vec![
            decision("common", State::Run, true, Some(cause(Scope::Own, &["ashlar-common"]))),
            decision("driver-lvm", State::Run, false, Some(cause(Scope::Common, &["ashlar-common", "lvm"]))),
            decision("driver-nfs", State::Skipped, false, Some(cause(Scope::Common, &["ashlar-common", "nfs"]))),
            decision("tool", State::Unaffected, false, None),
        ],
    }
}

#[test]
fn people_see_state_job_and_way() {
    insta::assert_snapshot!(strip_str(&text(&plan())).to_string(), @r"
    1 changed path, abc to HEAD

      run      common      common/a\n\xff → ashlar-common
      check    driver-lvm  no vote: common/a\n\xff → ashlar-common → lvm
      skipped  driver-nfs  its team skips common changes: common/a\n\xff → ashlar-common → nfs
      -        tool        nothing that changed reaches it

    2 of 4 jobs to run
    ");
}

#[test]
fn people_are_told_why_every_job_runs() {
    let mut plan = plan();
    plan.every_job = Some(("the clone is shallow".to_owned(), "git fetch --unshallow".to_owned()));
    plan.jobs = vec![decision("common", State::Run, true, None)];
    insta::assert_snapshot!(strip_str(&text(&plan)).to_string(), @r"
    abc to HEAD
    every job runs: the clone is shallow
    to mend: git fetch --unshallow

      run      common  the clone is shallow

    1 of 1 jobs to run
    ");
}

#[test]
fn programs_get_every_job_with_its_reason() {
    let mut plan = plan();
    plan.jobs.drain(2..);
    plan.jobs.remove(0);
    insta::assert_snapshot!(json(&plan).unwrap(), @r#"
    {
      "schema": 1,
      "compared": "abc to HEAD",
      "changed_paths": 1,
      "every_job": null,
      "jobs": [
        {
          "name": "driver-lvm",
          "state": "run",
          "voting": false,
          "packages": [
            "ashlar-driver-lvm"
          ],
          "command": "run driver-lvm",
          "lab": "loop",
          "owners": [
            "@ashlar/team"
          ],
          "timeout_minutes": 5,
          "reason": {
            "path": "common/a\\n\\xff",
            "common": true,
            "steps": [
              {
                "by": "package",
                "name": "ashlar-common"
              },
              {
                "by": "package",
                "name": "lvm"
              }
            ]
          }
        }
      ]
    }
    "#);
}

#[test]
fn a_matrix_holds_what_runs() {
    insta::assert_snapshot!(github(&plan()).unwrap(), @r#"{"include":[{"job":"common","command":"run common","lab":"","timeout_minutes":5,"voting":true},{"job":"driver-lvm","command":"run driver-lvm","lab":"loop","timeout_minutes":5,"voting":false}]}"#);
    assert_eq!(github(&Plan { jobs: Vec::new(), ..plan() }).unwrap(), "{\"include\":[]}\n");
}

#[test]
fn a_child_pipeline_holds_what_runs() {
    insta::assert_snapshot!(gitlab(&plan()).unwrap(), @r#"
    {
      "test:common": {
        "script": [
          "run common"
        ],
        "rules": [
          {
            "when": "on_success"
          }
        ],
        "timeout": "5 minutes",
        "artifacts": {
          "when": "always",
          "paths": [
            "target/nextest/ci/common.xml"
          ],
          "reports": {
            "junit": "target/nextest/ci/common.xml"
          }
        }
      },
      "test:driver-lvm": {
        "script": [
          "run driver-lvm"
        ],
        "rules": [
          {
            "when": "on_success"
          }
        ],
        "timeout": "5 minutes",
        "allow_failure": true,
        "variables": {
          "LAB": "loop"
        },
        "artifacts": {
          "when": "always",
          "paths": [
            "target/nextest/ci/driver-lvm.xml"
          ],
          "reports": {
            "junit": "target/nextest/ci/driver-lvm.xml"
          }
        }
      }
    }
    "#);
    insta::assert_snapshot!(gitlab(&Plan { jobs: Vec::new(), ..plan() }).unwrap(), @r#"
    {
      "nothing to run": {
        "script": [
          "echo no job is affected"
        ],
        "rules": [
          {
            "when": "on_success"
          }
        ]
      }
    }
    "#);
}

#[test]
fn a_buildkite_pipeline_holds_what_runs() {
    insta::assert_snapshot!(buildkite(&plan()).unwrap(), @r#"
    {
      "steps": [
        {
          "label": "common",
          "key": "test-common",
          "command": "run common",
          "timeout_in_minutes": 5,
          "artifact_paths": [
            "target/nextest/ci/common.xml"
          ]
        },
        {
          "label": "driver-lvm",
          "key": "test-driver-lvm",
          "command": "run driver-lvm",
          "timeout_in_minutes": 5,
          "soft_fail": true,
          "env": {
            "LAB": "loop"
          },
          "artifact_paths": [
            "target/nextest/ci/driver-lvm.xml"
          ]
        }
      ]
    }
    "#);
    let mut dollar = plan();
    dollar.jobs.truncate(1);
    dollar.jobs[0].job.command = "run $HOME".to_owned();
    assert!(buildkite(&dollar).unwrap().contains("run $$HOME"));
    assert!(buildkite(&Plan { jobs: Vec::new(), ..plan() }).unwrap().contains("no job is affected"));
}

#[test]
fn a_filterset_holds_the_tests_that_run() {
    assert_eq!(filterset(&plan()), "(package(=ashlar-common)) + (package(=ashlar-driver-lvm))\n");
    assert_eq!(filterset(&Plan { jobs: Vec::new(), ..plan() }), "none()\n");
}

#[test]
fn zuul_is_told_which_jobs_run_and_which_of_them_vote() {
    insta::assert_snapshot!(zuul(&plan()).unwrap(), @r#"
    {
      "zuul": {
        "child_jobs": [
          "test-common",
          "check-driver-lvm"
        ]
      }
    }
    "#);
}
