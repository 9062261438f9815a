//! What people read of drivers: the options in each README, and the support matrix. Pure.

use std::fmt::Write;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{describe::Described, options::Row};

/// The support matrix, relative to the workspace root.
pub const MATRIX: &str = "docs/drivers.md";
/// Around the options in a README.
const BEGIN: &str = "<!-- options: written by `cargo xtask drivers --write` from what the driver says -->";
const END: &str = "<!-- end of options -->";

/// Where a driver's README is, relative to the workspace root.
#[must_use]
pub fn readme(driver: &str) -> String {
    format!("drivers/{driver}/README.md")
}

/// The README with the options as the driver has them.
///
/// # Errors
/// It has not one place for them.
pub fn with_options(readme: &str, driver: &Described) -> Result<String> {
    let missing = || format!("no `{BEGIN}` before `{END}`");
    let (before, rest) = readme.split_once(BEGIN).with_context(missing)?;
    let (_, after) = rest.split_once(END).with_context(missing)?;
    ensure!(!after.contains(BEGIN), "there is a second `{BEGIN}`");
    Ok(format!("{before}{BEGIN}\n{}{END}{after}", options(&driver.options)))
}

/// The options as a table.
#[must_use]
pub fn options(rows: &[Row]) -> String {
    let mut out = String::from("| key | what | default | meaning |\n|---|---|---|---|\n");
    for Row { key, kind, default, required, text } in rows {
        let default = match (default, required) {
            (Some(default), _) => format!("`{default}`"),
            (None, true) => "must be given".to_owned(),
            (None, false) => "none".to_owned(),
        };
        let _ = writeln!(out, "| `{key}` | {} | {default} | {} |", cell(kind), cell(text));
    }
    out
}

/// The support matrix.
#[must_use]
pub fn matrix(drivers: &[Described]) -> String {
    let mut out = String::from(
        "# Drivers\n\nWritten by `cargo xtask drivers --write` from what the executables say (`describe`); a test holds it to \
         that.\nCapabilities are those of the least configuration: options may add some, as the README of each driver tells.\n\
         Every driver has Cinder's minimum features; `cargo xtask compliance` shows it.\n\n",
    );
    row(&mut out, "driver", drivers, |driver| format!("[{0}](../drivers/{0}/README.md)", driver.name));
    let _ = writeln!(out, "|---|{}", "---|".repeat(drivers.len()));
    row(&mut out, "vendor", drivers, |driver| cell(&driver.vendor_name));
    row(&mut out, "protocol", drivers, |driver| format!("`{}`", driver.storage_protocol));
    for capability in capabilities(drivers) {
        let words = capability.replace('_', " ");
        row(&mut out, &words, drivers, |driver| has(driver, &capability).to_owned());
    }
    for figure in ["provisioning", "total", "free", "allocated", "thin_metadata_free_percentage"] {
        let words = format!("reports {}", figure.replace('_', " "));
        row(&mut out, &words, drivers, |driver| reports(driver, figure));
    }
    out
}

fn row(out: &mut String, title: &str, drivers: &[Described], shown: impl Fn(&Described) -> String) {
    let cells: Vec<String> = drivers.iter().map(shown).collect();
    let _ = writeln!(out, "| {title} | {} |", cells.join(" | "));
}

/// Every capability that a driver knows of.
fn capabilities(drivers: &[Described]) -> Vec<String> {
    let mut all: Vec<String> =
        drivers.iter().filter_map(|driver| driver.capabilities.as_ref()).flat_map(|all| all.keys().cloned()).collect();
    all.sort();
    all.dedup();
    all
}

/// Whether a driver has a capability, in a word.
#[must_use]
pub fn has(driver: &Described, capability: &str) -> &'static str {
    match driver.capabilities.as_ref().map(|all| all.get(capability).and_then(Value::as_bool)) {
        Some(Some(true)) => "yes",
        Some(_) => "no",
        None => "needs a backend to tell",
    }
}

/// What kind of figure it is: numbers differ from machine to machine.
fn reports(driver: &Described, figure: &str) -> String {
    let Some(pool) = driver.pools.first() else { return "needs a backend to tell".to_owned() };
    match pool.get(figure) {
        Some(Value::Object(_) | Value::Number(_)) => "yes".to_owned(),
        Some(Value::String(word)) => cell(word),
        _ => "no".to_owned(),
    }
}

/// Text that is one cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::{BEGIN, END, matrix, with_options};
    use crate::drivers::describe::parse;

    const SAID: &str = r#"{
        "schema": 1,
        "driver": { "name": "x", "version": "1", "vendor_name": "A|B", "storage_protocol": "iscsi" },
        "capabilities": { "revert": true, "qos": false },
        "stats": { "pools": [{ "name": "p", "total": { "known": 1 }, "free": "unknown", "provisioning": "thin" }] },
        "options": { "properties": { "a": { "type": "string", "description": "One | two." } }, "required": ["a"] }
    }"#;

    #[test]
    fn the_place_between_the_marks_is_written_and_nothing_else() {
        let driver = parse(SAID).unwrap();
        let readme = format!("# X\n{BEGIN}\nold\n{END}\nmore\n");
        let written = with_options(&readme, &driver).unwrap();
        assert!(written.starts_with("# X\n") && written.ends_with(&format!("{END}\nmore\n")), "{written}");
        assert!(written.contains("| `a` | string | must be given | One \\| two. |") && !written.contains("old"));
        assert_eq!(with_options(&written, &driver).unwrap(), written);
    }

    #[test]
    fn a_readme_without_one_place_is_refused() {
        let driver = parse(SAID).unwrap();
        for bad in ["".to_owned(), format!("{END}{BEGIN}"), format!("{BEGIN}{END}{BEGIN}{END}")] {
            assert!(with_options(&bad, &driver).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_matrix_tells_what_there_is_and_what_nobody_can_tell() {
        let without =
            SAID.replace(r#"{ "revert": true, "qos": false }"#, "null").replace(r#""name": "x""#, r#""name": "y""#);
        let without = without.replace(r#""stats": {"#, r#""other": {"#);
        let page = matrix(&[parse(SAID).unwrap(), parse(&without).unwrap()]);
        assert!(page.contains("| revert | yes | needs a backend to tell |\n"), "{page}");
        assert!(page.contains("| qos | no | needs a backend to tell |\n"), "{page}");
        assert!(page.contains("| reports free | unknown | needs a backend to tell |\n"), "{page}");
        assert!(page.contains("| vendor | A\\|B | A\\|B |\n"), "{page}");
    }

    #[test]
    fn another_schema_is_refused() {
        assert!(parse(&SAID.replace("\"schema\": 1", "\"schema\": 2")).is_err());
    }
}
