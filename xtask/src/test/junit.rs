//! Counts what really ran, from the report that nextest writes.

use anyhow::{Context, Result, bail};
use quick_xml::{Reader, events::Event};

/// How many tests ran, by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Ran and passed.
    pub passed: usize,
    /// Ran and failed, or could not run.
    pub failed: usize,
}

/// Counts what ran in a JUnit report. Set-up scripts that passed and skipped tests are no tests that ran.
///
/// # Errors
/// It is no well-formed XML.
pub fn count(report: &str) -> Result<Counts> {
    read(report).map(|(counts, _)| counts)
}

/// The same, with the number of tests that the report names and that did not run.
///
/// # Errors
/// It is no well-formed XML, also where it ends too soon.
pub fn read(report: &str) -> Result<(Counts, usize)> {
    let mut reader = Reader::from_str(report);
    let (mut counts, mut not_run) = (Counts::default(), 0);
    let (mut script, mut skipped, mut failed) = (false, false, false);
    let mut open = 0_usize;
    loop {
        let event = reader.read_event().context("the JUnit report is no XML")?;
        match &event {
            Event::Start(_) => open += 1,
            Event::End(_) => open = open.saturating_sub(1),
            _ => {}
        }
        match event {
            Event::Eof if open > 0 => bail!("the JUnit report is cut short"),
            Event::Eof => return Ok((counts, not_run)),
            Event::Start(tag) if tag.name().as_ref() == b"testsuite" => {
                let name = tag.try_get_attribute("name").context("the JUnit report is no XML")?;
                script = name.is_some_and(|name| name.value.starts_with(b"@setup-script"));
            }
            Event::Start(tag) if tag.name().as_ref() == b"testcase" => (skipped, failed) = (false, false),
            Event::Empty(tag) if tag.name().as_ref() == b"testcase" && !script => counts.passed += 1,
            Event::Start(tag) | Event::Empty(tag) => match tag.name().as_ref() {
                b"failure" | b"error" => failed = true,
                b"skipped" => skipped = true,
                _ => {}
            },
            // Tests of a report beside this one may all have passed.
            Event::End(tag) if tag.name().as_ref() == b"testcase" && script => counts.failed += usize::from(failed),
            Event::End(tag) if tag.name().as_ref() == b"testcase" => match (skipped, failed) {
                (_, true) => counts.failed += 1,
                (true, false) => not_run += 1,
                (false, false) => counts.passed += 1,
            },
            _ => {}
        }
    }
}

/// The report with one failure more: that of the run itself, `name`. Where there is no report, or none that is whole,
/// one of that failure alone.
#[must_use]
pub fn with_failure(report: &str, name: &str) -> String {
    const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>";
    const END: &str = "</testsuites>";
    let before = match (count(report), report.rsplit_once(END)) {
        (Ok(_), Some((before, _))) => before,
        _ => HEAD,
    };
    format!(
        "{before}<testsuite name=\"{name}\" tests=\"1\" failures=\"1\"><testcase name=\"the run itself\" \
         classname=\"{name}\"><failure message=\"it ended without success, and no test says why\"/></testcase>\
         </testsuite>{END}\n"
    )
}

/// Sums the lines `test result: ok. 3 passed; 0 failed; ...` of `cargo test --doc`.
#[must_use]
pub fn count_doc_tests(log: &str) -> Counts {
    let mut counts = Counts::default();
    for line in log.lines().filter(|line| line.starts_with("test result: ")) {
        let number = |word: &str| {
            let before = line.split(';').find_map(|part| part.trim().strip_suffix(word))?;
            before.trim().rsplit(' ').next()?.parse().ok()
        };
        counts.passed += number("passed").unwrap_or(0);
        counts.failed += number("failed").unwrap_or(0);
    }
    counts
}

/// Sums what a command of any kind printed that ran tests: libtest's lines, and those of nextest (`Summary [ 1.2s] 3 tests
/// run: 2 passed, 1 failed, 4 skipped`).
#[must_use]
pub fn count_printed(log: &str) -> Counts {
    let mut counts = count_doc_tests(log);
    let summaries = log.lines().filter(|line| line.trim_start().starts_with("Summary ["));
    for (_, told) in summaries.filter_map(|line| line.split_once(" run: ")) {
        for part in told.split(',') {
            let mut words = part.split_whitespace();
            let number: usize = words.next().and_then(|number| number.parse().ok()).unwrap_or(0);
            match words.next() {
                Some("passed") => counts.passed += number,
                Some("failed" | "timed" | "exec") => counts.failed += number,
                _ => {}
            }
        }
    }
    counts
}

/// Reads the closing line of the demonstration and of `affected-bench`, `15 ok, 0 FAILED, 0 not run`.
#[must_use]
pub fn count_closing(log: &str) -> Counts {
    let closing = log.lines().rev().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [ok, "ok,", failed, "FAILED,", missed, "not", "run"] => {
                Some((ok.parse().ok()?, failed.parse::<usize>().ok()?, missed.parse::<usize>().ok()?))
            }
            _ => None,
        }
    });
    closing.map_or_else(Counts::default, |(passed, failed, missed)| Counts { passed, failed: failed + missed })
}

#[cfg(test)]
mod tests {
    use super::{Counts, count, count_closing, count_doc_tests, count_printed, with_failure};

    #[test]
    fn what_the_demonstration_did_not_run_has_failed() {
        let log = "create   1 GiB   0.1 s  ok\n\n12 ok, 1 FAILED, 2 not run\n";
        assert_eq!(count_closing(log), Counts { passed: 12, failed: 3 });
        assert_eq!(count_closing("error: no service"), Counts::default());
    }

    #[test]
    fn each_outcome_is_counted_once() {
        let report = r#"<testsuites><testsuite name="@setup-script:lab"><testcase name="lab"/></testsuite>
            <testsuite name="a"><testcase name="x"/><testcase name="y"><failure type="t">&lt;</failure></testcase>
            <testcase name="z"><system-out>hello</system-out></testcase><testcase name="s"><skipped/></testcase>
            <testcase name="e"><error/></testcase></testsuite></testsuites>"#;
        assert_eq!(count(report).unwrap(), Counts { passed: 2, failed: 2 });
    }

    #[test]
    fn a_set_up_script_that_failed_is_a_failure() {
        let report = "<testsuites><testsuite name=\"@setup-script:lab\"><testcase name=\"lab\"><failure/></testcase>\
                      </testsuite></testsuites>";
        assert_eq!(count(report).unwrap(), Counts { passed: 0, failed: 1 });
    }

    #[test]
    fn a_report_cut_short_is_no_report() {
        assert!(count("<testsuites><testsuite name=\"a\"></testsuites>").is_err());
        assert!(count("<testsuites><testsuite name=\"a\"><testcase name=\"x\"/>").is_err());
    }

    #[test]
    fn tests_of_any_command_are_summed_over_its_lines() {
        let log = "test result: ok. 3 passed; 0 failed; 1 ignored\n     Summary [   0.012s] 5 tests run: 3 passed (1 leaky), \
                   1 failed, 1 timed out, 4 skipped\n";
        assert_eq!(count_printed(log), Counts { passed: 6, failed: 2 });
        assert_eq!(count_printed("all well\n"), Counts::default());
    }

    #[test]
    fn doc_tests_are_summed_over_crates() {
        let log = "   Doc-tests a\ntest result: ok. 3 passed; 0 failed; 1 ignored\n\
                   test result: FAILED. 1 passed; 2 failed; 0 ignored\n";
        assert_eq!(count_doc_tests(log), Counts { passed: 4, failed: 2 });
    }

    #[test]
    fn a_failed_run_is_told_in_the_report_beside_what_passed() {
        let report = "<testsuites><testsuite name=\"s\"><testcase name=\"x\"/></testsuite></testsuites>";
        assert_eq!(count(&with_failure(report, "a")).unwrap(), Counts { passed: 1, failed: 1 });
        for broken in ["", "<testsuites>", "no report"] {
            assert_eq!(count(&with_failure(broken, "a")).unwrap(), Counts { passed: 0, failed: 1 }, "{broken}");
        }
    }
}
