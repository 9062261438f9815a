//! Drivers in a terminal.

use std::fmt::Write;

use anstyle::Style;
use serde_json::Value;

use super::{describe::Described, options::Row};

const HEAD: Style = Style::new().bold();
const QUIET: Style = Style::new().dimmed();

/// Each driver with all that it says.
#[must_use]
pub fn text(drivers: &[Described]) -> String {
    let mut out = String::new();
    for driver in drivers {
        let _ = writeln!(out, "\n{HEAD}{}{HEAD:#}", driver.name);
        let _ = writeln!(out, "  vendor        {}", driver.vendor_name);
        let _ = writeln!(out, "  protocol      {}", driver.storage_protocol);
        let _ = writeln!(out, "  capabilities  {}", capabilities(driver));
        for pool in &driver.pools {
            let figures: Vec<String> = pool.iter().map(|(name, value)| format!("{name} {}", figure(value))).collect();
            let _ = writeln!(out, "  stats sample  {}", figures.join(", "));
        }
        let width = driver.options.iter().map(|row| row.key.len()).max().unwrap_or(0);
        for Row { key, kind, default, required, text } in &driver.options {
            let default = match (default, required) {
                (Some(default), _) => format!("default {default}"),
                (None, true) => "must be given".to_owned(),
                (None, false) => "no default".to_owned(),
            };
            let _ = writeln!(out, "  {key:<width$}  {kind}; {default}\n  {:<width$}  {QUIET}{text}{QUIET:#}", "");
        }
    }
    out
}

fn capabilities(driver: &Described) -> String {
    let Some(all) = &driver.capabilities else { return "need a backend to tell".to_owned() };
    let has: Vec<&str> =
        all.iter().filter(|(_, has)| **has == Value::Bool(true)).map(|(name, _)| name.as_str()).collect();
    if has.is_empty() { "none".to_owned() } else { has.join(", ") }
}

/// `{"known": 5}` is 5.
fn figure(value: &Value) -> String {
    match value.get("known").unwrap_or(value) {
        Value::String(word) => word.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    }
}
