//! Drivers that are broken on purpose: whether the suite caught each, from the report of their test program.

use anyhow::{Context, Result};
use quick_xml::{Reader, events::Event};
use serde::Serialize;

/// What their tests are called before `NN_name`.
const PREFIX: &str = "caught_by_its_case::";

/// A mutant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mutant {
    /// The behaviour that it breaks.
    pub breaks: u8,
    /// What is broken.
    pub name: String,
    /// Whether the case of that behaviour failed on it.
    pub caught: bool,
}

/// The mutants that a test program lists, each caught where the JUnit report says that its test passed.
///
/// # Errors
/// The report is no XML.
pub fn read(tests: &[String], report: &str) -> Result<Vec<Mutant>> {
    let passed = passed(report)?;
    let mutant = |test: &String| {
        let (number, name) = test.strip_prefix(PREFIX)?.split_once('_')?;
        let caught = passed.iter().any(|passed| passed == test);
        Some(Mutant { breaks: number.parse().ok()?, name: name.to_owned(), caught })
    };
    let mut mutants: Vec<Mutant> = tests.iter().filter_map(mutant).collect();
    mutants.sort_by(|a, b| (a.breaks, &a.name).cmp(&(b.breaks, &b.name)));
    Ok(mutants)
}

/// The names of tests that ran and passed.
fn passed(report: &str) -> Result<Vec<String>> {
    let mut reader = Reader::from_str(report);
    let (mut passed, mut open) = (Vec::new(), None);
    loop {
        let event = reader.read_event().context("the JUnit report is no XML")?;
        let name = |tag: &quick_xml::events::BytesStart<'_>| -> Result<Option<String>> {
            let name = tag.try_get_attribute("name").context("the JUnit report is no XML")?;
            Ok(name.and_then(|name| name.unescape_value().ok()).map(std::borrow::Cow::into_owned))
        };
        match event {
            Event::Eof => return Ok(passed),
            Event::Empty(tag) if tag.name().as_ref() == b"testcase" => passed.extend(name(&tag)?),
            Event::Start(tag) if tag.name().as_ref() == b"testcase" => open = name(&tag)?,
            Event::Start(tag) | Event::Empty(tag)
                if matches!(tag.name().as_ref(), b"failure" | b"error" | b"skipped") =>
            {
                open = None;
            }
            Event::End(tag) if tag.name().as_ref() == b"testcase" => passed.extend(open.take()),
            _ => {}
        }
    }
}
