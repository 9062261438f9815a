use std::fs;

use anstream::adapter::strip_str;
use tempfile::TempDir;

use super::{
    judge::{Judged, Outcome, judge, passes},
    render::{json, text},
    reports::{Report, find},
};
use crate::{affected::render::json::Document, test::junit::Counts};

/// One job for each `name:state:voting`.
fn plan(jobs: &[&str]) -> Document {
    Document::parse(&written(jobs, "null")).unwrap()
}

fn written(jobs: &[&str], every_job: &str) -> String {
    let jobs: Vec<String> = jobs
        .iter()
        .map(|job| {
            let [name, state, voting] = job.split(':').collect::<Vec<_>>()[..] else { panic!("{job}") };
            format!(
                r#"{{"name":"{name}","state":"{state}","voting":{voting},"packages":[],"command":"","lab":null,
                "owners":[],"timeout_minutes":1,"reason":null,"of tomorrow":1}}"#
            )
        })
        .collect();
    format!(r#"{{"schema":1,"compared":"","changed_paths":0,"every_job":{every_job},"jobs":[{}]}}"#, jobs.join(","))
}

fn ran(passed: usize, failed: usize, not_run: usize) -> Report {
    Report::Read { counts: Counts { passed, failed }, not_run }
}

fn judged(job: &str, report: &Report) -> Judged {
    judge(&plan(&[job]), |_| report.clone()).remove(0)
}

#[test]
fn a_voting_job_must_have_run_and_passed() {
    let check = |report: &Report, outcome| {
        let voting = judged("a:run:true", report);
        assert_eq!((voting.outcome, voting.stops), (outcome, outcome != Outcome::Passed));
        let shown = judged("a:run:false", report);
        assert_eq!((shown.outcome, shown.stops), (outcome, false));
    };
    check(&ran(3, 0, 0), Outcome::Passed);
    check(&ran(3, 1, 0), Outcome::Failed);
    check(&ran(3, 0, 1), Outcome::NotRun);
    check(&ran(0, 0, 2), Outcome::NotRun);
    check(&ran(0, 0, 0), Outcome::NoTest);
    check(&Report::Missing, Outcome::Missing);
    check(&Report::Unreadable("why".to_owned()), Outcome::Unreadable);
}

#[test]
fn what_the_plan_leaves_out_is_shown_and_does_not_stop() {
    assert_eq!(judged("a:skipped:false", &Report::Missing).outcome, Outcome::Skipped);
    assert_eq!(judged("a:unaffected:false", &Report::Missing).outcome, Outcome::Unaffected);
    assert_eq!(judged("a:unaffected:false", &ran(1, 0, 0)).outcome, Outcome::Unaffected);
    let incident = judged("a:unaffected:false", &ran(1, 1, 0));
    assert_eq!((incident.outcome, incident.stops), (Outcome::Incident, false));
}

#[test]
fn no_judgement_at_all_is_no_pass() {
    assert!(!passes(&[]));
    assert!(passes(&[judged("a:unaffected:false", &Report::Missing)]));
}

#[test]
fn a_plan_that_no_planner_makes_is_refused() {
    let every = r#"{"reason":"","mend":""}"#;
    for (text, expected) in [
        (String::new(), "no plan"),
        ("{}".to_owned(), "no plan"),
        (written(&["a:run:true"], "null").replace("\"schema\":1", "\"schema\":2"), "schema 2"),
        (written(&[], "null"), "no job at all"),
        (written(&["a:run:true", "a:run:true"], "null"), "twice"),
        (written(&["../a:run:true"], "null"), "no name of a job"),
        (written(&["a:ran:true"], "null"), "no plan"),
        (written(&["a:run:true", "b:unaffected:false"], every), "b is left out"),
    ] {
        let error = Document::parse(&text).map_err(|error| format!("{error:#}")).expect_err("no plan");
        assert!(error.contains(expected), "`{expected}` is not in: {error}");
    }
}

#[test]
fn reports_are_found_as_files_and_in_folders() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let one = |inner: &str| format!("<testsuites><testsuite name=\"s\">{inner}</testsuite></testsuites>");
    write("a.xml", &one("<testcase name=\"x\"/>"));
    write("b/1.xml", &one("<testcase name=\"x\"/>"));
    write("b/2.xml", &one("<testcase name=\"y\"><failure/></testcase><testcase name=\"z\"><skipped/></testcase>"));
    write("b/log.txt", "no report");
    write("cut.xml", "<testsuites><testsuite name=\"s\"><testcase name=\"x\"/>");
    write("empty.xml", "");
    assert_eq!(find(folder.path(), "a"), ran(1, 0, 0));
    assert_eq!(find(folder.path(), "b"), ran(1, 1, 1));
    assert_eq!(find(folder.path(), "empty"), ran(0, 0, 0));
    assert_eq!(find(folder.path(), "none"), Report::Missing);
    assert!(matches!(find(folder.path(), "cut"), Report::Unreadable(_)));
}

#[test]
fn people_and_programs_are_told_of_every_job() {
    let plan =
        plan(&["good:run:true", "bad:run:true", "check:run:false", "left:skipped:false", "far:unaffected:false"]);
    let judged = judge(&plan, |name| match name {
        "good" => ran(2, 0, 0),
        "bad" => Report::Missing,
        "check" => ran(1, 1, 0),
        _ => Report::Missing,
    });
    insta::assert_snapshot!(strip_str(&text(&judged)).to_string(), @r"
      passed      good   2 passed, 0 failed
      MISSING     bad    it was to run and left no report
      FAILED      check  1 passed, 1 failed (no vote)
      skipped     left   its team skips common changes
      -           far    nothing that changed reaches it

    the gate is shut by bad
    ");
    insta::assert_snapshot!(json(&judged[..1]).unwrap(), @r#"
    {
      "schema": 1,
      "passes": true,
      "jobs": [
        {
          "name": "good",
          "outcome": "passed",
          "voting": true,
          "stops": false,
          "passed": 2,
          "failed": 0,
          "not_run": 0,
          "note": null
        }
      ]
    }
    "#);
}
