//! The judgement as a JUnit report. What did not run has failed there too: a dashboard must not show it as skipped.

use std::{fmt::Write, time::Duration};

use quick_xml::escape::escape;

use super::{
    judge::{Judged, Judgement},
    results::{Case, Outcome},
};

/// The report.
#[must_use]
pub fn junit(judgement: &Judgement) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"compliance\">\n");
    for judged in judgement.drivers.iter().chain([&judgement.controls]) {
        suite(judged, &mut out);
    }
    let survivors = judgement.mutants.iter().filter(|mutant| !mutant.caught).count();
    let tests = judgement.mutants.len();
    let _ = writeln!(out, "  <testsuite name=\"mutants\" tests=\"{tests}\" failures=\"{survivors}\">");
    for mutant in &judgement.mutants {
        let name = format!("{:02}_{}", mutant.breaks, mutant.name);
        let failure = (!mutant.caught).then_some("the suite passes this broken driver");
        test(&name, "mutants", Duration::ZERO, failure, &mut out);
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

fn suite(judged: &Judged, out: &mut String) {
    let bad = judged.cases.iter().filter(|case| !case.outcome.is_well()).count() + judged.complaints.len();
    let tests = judged.cases.len() + judged.complaints.len();
    let skipped = judged.count(Outcome::Unsupported);
    let name = escape(judged.name.as_str());
    let _ = writeln!(out, "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{bad}\" skipped=\"{skipped}\">");
    for complaint in &judged.complaints {
        test("the whole of it", &judged.name, Duration::ZERO, Some(complaint), out);
    }
    for case in &judged.cases {
        let Case { subject, group, number, name, detail, .. } = case;
        let (name, class) = (format!("{group}::{number:02}_{name}"), format!("{}.{subject}", judged.name));
        let time = Duration::from_millis(case.milliseconds);
        if case.outcome == Outcome::Unsupported {
            let (name, class, why) = (escape(&name), escape(&class), escape(detail.as_str()));
            let _ = writeln!(
                out,
                "    <testcase name=\"{name}\" classname=\"{class}\"><skipped message=\"unsupported: {why}\"/></testcase>"
            );
            continue;
        }
        let failure = (!case.outcome.is_well()).then(|| format!("{}: {detail}", case.outcome.word()));
        test(&name, &class, time, failure.as_deref(), out);
    }
    out.push_str("  </testsuite>\n");
}

fn test(name: &str, class: &str, time: Duration, failure: Option<&str>, out: &mut String) {
    let (name, class, seconds) = (escape(name), escape(class), time.as_secs_f64());
    let start = format!("    <testcase name=\"{name}\" classname=\"{class}\" time=\"{seconds:.3}\"");
    let _ = match failure {
        None => writeln!(out, "{start}/>"),
        Some(why) => writeln!(out, "{start}><failure message=\"{}\"/></testcase>", escape(why)),
    };
}
