//! What a driver executable says of itself, as JSON.

use std::io::Write;

use serde_json::{Value, json};

use super::main::{DriverProgram, Failure, UNUSABLE};
use crate::{
    driver::{Capabilities, Driver},
    stats::BackendStats,
};

/// Version of this document's shape.
const SCHEMA: u32 = 1;

/// Identity, and the schema of the options; with an open backend, what it can do in its configuration.
pub(super) fn of<P: DriverProgram>(driver: Option<&dyn Driver>, stats: Option<&BackendStats>) -> Value {
    let mut document = json!({
        "schema": SCHEMA,
        "driver": P::info(),
        "capabilities": driver.map(Capabilities::of),
        "options": schemars::schema_for!(P::Config),
    });
    if let (Some(document), Some(stats)) = (document.as_object_mut(), stats) {
        document.insert("stats".to_owned(), json!(stats));
    }
    document
}

/// What an open backend can do and reports.
pub(super) fn check(driver: &dyn Driver, stats: &BackendStats) -> Value {
    json!({
        "schema": SCHEMA,
        "driver": driver.info(),
        "capabilities": Capabilities::of(driver),
        "stats": stats,
    })
}

pub(super) fn print(document: &Value) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(document).expect("a JSON value has text keys");
    writeln!(std::io::stdout(), "{text}").map_err(|error| Failure(format!("cannot print: {error}"), UNUSABLE))
}
