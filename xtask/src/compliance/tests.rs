use super::{
    features::{cell, features},
    found::{Driver, chosen},
    json::json,
    judge::{Judgement, Read, judge},
    junit::junit,
    listed::{self, Listed},
    mutants::{self, Mutant},
    results::{self, Case, Outcome},
    text::text,
};

fn listed(subject: &str, number: u8) -> Listed {
    Listed { subject: subject.to_owned(), number, group: "life_cycle".to_owned(), name: format!("case_{number}") }
}

fn case(subject: &str, number: u8, outcome: Outcome) -> Case {
    Case {
        subject: subject.to_owned(),
        number,
        group: "life_cycle".to_owned(),
        name: format!("case_{number}"),
        clauses: Vec::new(),
        need: "core".to_owned(),
        outcome,
        detail: "<why>".to_owned(),
        milliseconds: 5,
        seed: 1,
    }
}

/// Two behaviours, played well.
fn read(name: &str) -> Read {
    Read {
        name: name.to_owned(),
        listed: vec![listed(name, 1), listed(name, 2)],
        results: vec![case(name, 1, Outcome::Passed), case(name, 2, Outcome::Unsupported)],
        ran_well: true,
        absent: None,
    }
}

fn mutants(caught: bool) -> Vec<Mutant> {
    [1, 2].map(|breaks| Mutant { breaks, name: "m".to_owned(), caught }).into()
}

fn judged(change: impl FnOnce(&mut Read)) -> Judgement {
    let mut driver = read("local");
    change(&mut driver);
    judge(1, &[driver], &read("controls"), mutants(true))
}

/// It does not pass, and people are told so.
fn refused(judgement: &Judgement, word: &str) {
    assert!(!judgement.passes(), "{judgement:?}");
    let text = text(judgement);
    assert!(text.contains(word) && text.trim_end().contains("not compliant"), "`{word}` is not in {text}");
    assert!(junit(judgement).contains("<failure"), "{}", junit(judgement));
    assert!(json(judgement).unwrap().contains("\"passes\": false"));
}

#[test]
fn passed_and_rightly_unsupported_is_compliant() {
    let judgement = judged(|_| {});
    assert!(judgement.passes(), "{judgement:?}");
    assert!(json(&judgement).unwrap().contains("\"passes\": true"));
    assert!(!junit(&judgement).contains("<failure"));
}

#[test]
fn a_case_that_failed_or_did_not_run_is_told() {
    refused(&judged(|driver| driver.results[0].outcome = Outcome::Failed), "FAILED");
    refused(&judged(|driver| driver.results[0].outcome = Outcome::NotRun), "NOT RUN");
}

#[test]
fn a_case_without_a_result_has_failed() {
    refused(&judged(|driver| drop(driver.results.pop())), "NO RESULT");
    refused(&judged(|driver| driver.results.clear()), "NO RESULT");
}

#[test]
fn a_case_that_the_controls_play_and_the_driver_does_not_has_failed() {
    let fewer = |driver: &mut Read| {
        driver.listed.pop();
        driver.results.pop();
    };
    refused(&judged(fewer), "no case for behaviour 2");
}

#[test]
fn a_result_that_nobody_listed_is_not_lost() {
    refused(&judged(|driver| driver.results.push(case("other", 1, Outcome::Failed))), "other");
}

#[test]
fn a_driver_without_a_test_fails_by_name() {
    let absent = |driver: &mut Read| {
        *driver = Read {
            name: "new".to_owned(),
            absent: Some("ashlar-driver-new has no test target".to_owned()),
            ..Read::default()
        };
    };
    refused(&judged(absent), "ashlar-driver-new has no test target");
    refused(&judged(|driver| *driver = Read { name: "new".to_owned(), ran_well: true, ..Read::default() }), "no case");
}

#[test]
fn a_run_that_failed_without_a_case_that_says_why_is_told() {
    refused(&judged(|driver| driver.ran_well = false), "no case says why");
}

#[test]
fn no_driver_at_all_is_no_success() {
    assert!(!judge(1, &[], &read("controls"), mutants(true)).passes());
}

#[test]
fn a_control_that_fails_or_a_mutant_that_survives_is_no_success() {
    refused(&judge(1, &[read("local")], &read("controls"), mutants(false)), "SURVIVED");
    let mut controls = read("controls");
    controls.results[0].outcome = Outcome::Failed;
    refused(&judge(1, &[read("local")], &controls, mutants(true)), "FAILED");
}

#[test]
fn a_behaviour_that_no_mutant_breaks_is_told() {
    let some = mutants(true).split_off(1);
    refused(&judge(1, &[read("local")], &read("controls"), some), "broken on purpose in behaviour 1:");
}

#[test]
fn the_minimum_features_are_always_in_the_table() {
    let text = text(&judged(|_| {}));
    for feature in ["Volume Create/Delete", "Copy Image to Volume", "Extend Volume", "Get Volume Stats"] {
        assert!(text.contains(feature), "{feature} is not in {text}");
    }
    assert!(text.contains("NO CASE"), "{text}");
}

#[test]
fn a_capability_is_a_row_of_its_own_and_the_worst_outcome_is_shown() {
    let mut cases = vec![case("a", 22, Outcome::Passed), case("b", 22, Outcome::Unsupported)];
    for case in &mut cases {
        case.need = "revert to snapshot".to_owned();
        case.group = "data".to_owned();
    }
    let rows = features(&cases.iter().collect::<Vec<_>>());
    let row = rows.iter().find(|row| !row.required).unwrap();
    assert_eq!((row.name.as_str(), cell(&cases, row).worst), ("revert to snapshot", Some(Outcome::Passed)));
    cases[1].outcome = Outcome::NotRun;
    assert_eq!(cell(&cases, row).worst, Some(Outcome::NotRun));
    cases.remove(0);
    cases[0].outcome = Outcome::Unsupported;
    assert_eq!(cell(&cases, row).worst, Some(Outcome::Unsupported));
}

#[test]
fn cases_are_read_from_the_names_of_tests() {
    let list = r#"{ "rust-suites": { "a::conformance": { "testcases": {
        "local-xfs::data::07_x_y": { "filter-match": { "status": "matches" } },
        "[unsupported] local-xfs::data::08_z": { "filter-match": { "status": "matches" } },
        "local-xfs::data::09_not_asked": { "filter-match": { "status": "mismatch" } }
    } } } }"#;
    let cases = listed::cases(&listed::tests(list).unwrap());
    let told: Vec<_> = cases.iter().map(|case| (case.subject.as_str(), case.number, case.name.as_str())).collect();
    assert_eq!(told, [("local-xfs", 7, "x_y"), ("local-xfs", 8, "z")]);
    assert!(listed::tests("{}").is_err());
}

#[test]
fn a_mutant_is_caught_where_its_test_passed_and_nowhere_else() {
    let tests = ["caught_by_its_case::01_a", "caught_by_its_case::02_b", "caught_by_its_case::03_c", "other::x"];
    let report = r#"<testsuites><testsuite name="m"><testcase name="caught_by_its_case::01_a"/>
        <testcase name="caught_by_its_case::02_b"><failure/></testcase></testsuite></testsuites>"#;
    let mutants = mutants::read(&tests.map(str::to_owned), report).unwrap();
    let caught: Vec<_> = mutants.iter().map(|mutant| (mutant.breaks, mutant.caught)).collect();
    assert_eq!(caught, [(1, true), (2, false), (3, false)]);
    assert!(mutants::read(&tests.map(str::to_owned), "").unwrap().iter().all(|mutant| !mutant.caught));
}

#[test]
fn results_are_read_as_the_suite_writes_them() {
    let folder = tempfile::tempdir().unwrap();
    let written = r#"{ "subject": "local", "number": 3, "group": "data", "name": "n", "clauses": ["create.1"],
        "need": "core", "outcome": "not-run", "detail": "no loop devices", "milliseconds": 4, "seed": 9 }"#;
    std::fs::write(folder.path().join("local.03.json"), written).unwrap();
    std::fs::write(folder.path().join("turn.lock"), "").unwrap();
    let read = results::read(folder.path()).unwrap();
    assert_eq!((read[0].outcome, read[0].detail.as_str(), read[0].seed), (Outcome::NotRun, "no loop devices", 9));
    std::fs::write(folder.path().join("local.04.json"), "{").unwrap();
    assert!(results::read(folder.path()).is_err());
    assert!(results::read(&folder.path().join("none")).unwrap().is_empty());
}

#[test]
fn drivers_are_chosen_by_name_or_package_and_typos_are_told() {
    let all = || {
        ["local", "lvm"].map(|name| Driver {
            name: name.to_owned(),
            package: format!("ashlar-driver-{name}"),
            tested: true,
        })
    };
    let names = |asked: &[&str]| {
        let asked: Vec<String> = asked.iter().map(|name| (*name).to_owned()).collect();
        chosen(all().into(), &asked).map(|drivers| drivers.into_iter().map(|driver| driver.name).collect::<Vec<_>>())
    };
    assert_eq!(names(&[]).unwrap(), ["local", "lvm"]);
    assert_eq!(names(&["ashlar-driver-lvm"]).unwrap(), ["lvm"]);
    assert!(names(&["locla"]).unwrap_err().to_string().contains("there is local, lvm"));
}
