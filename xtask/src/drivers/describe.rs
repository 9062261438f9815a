//! Builds the drivers' executables and asks each what it is.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use xshell::{Shell, cmd};

use super::options::{self, Row};
use crate::compliance::found::{Driver, PREFIX};

/// The version of `describe` that this reads.
const SCHEMA: u64 = 1;

/// What a driver says of itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Described {
    /// Its name.
    pub name: String,
    /// Who makes the storage.
    pub vendor_name: String,
    /// The protocol its volumes are reached by.
    pub storage_protocol: String,
    /// What it can do in its least configuration; none where it cannot have a backend for the asking.
    pub capabilities: Option<Map<String, Value>>,
    /// What it reports there, pool by pool.
    pub pools: Vec<Map<String, Value>>,
    /// Its configuration.
    pub options: Vec<Row>,
}

#[derive(Deserialize)]
struct Document {
    schema: u64,
    driver: Info,
    capabilities: Option<Map<String, Value>>,
    stats: Option<Stats>,
    options: Value,
}

#[derive(Deserialize)]
struct Info {
    name: String,
    vendor_name: String,
    storage_protocol: String,
}

#[derive(Deserialize)]
struct Stats {
    pools: Vec<Map<String, Value>>,
}

/// Builds these drivers and asks them, each on a backend in a directory of its own where it can have one.
///
/// # Errors
/// One does not build, or does not answer as drivers do.
pub fn described(root: &Path, target: &Path, drivers: &[Driver]) -> Result<Vec<Described>> {
    let shell = Shell::new()?;
    shell.change_dir(root);
    let packages = drivers.iter().flat_map(|driver| ["--package", driver.package.as_str()]);
    let mut build = Command::from(cmd!(shell, "cargo build --quiet --bins").args(packages));
    ensure!(build.status().context("cargo cannot be started")?.success(), "the drivers do not build");
    let ask = |driver: &Driver| {
        let program = target.join("debug").join(format!("{PREFIX}{}", driver.name));
        let scratch = tempfile::tempdir().context("a directory for a scratch backend")?;
        let directory = scratch.path();
        let said = cmd!(shell, "{program} describe --scratch {directory}").quiet().read();
        parse(&said?).with_context(|| format!("{} describe", program.display()))
    };
    drivers.iter().map(ask).collect()
}

/// Reads what `describe` prints.
///
/// # Errors
/// It is of another form.
pub fn parse(text: &str) -> Result<Described> {
    let Document { schema, driver, capabilities, stats, options } =
        serde_json::from_str(text).context("this is not what drivers print")?;
    if schema != SCHEMA {
        bail!("schema {schema} is not known; this is {SCHEMA}");
    }
    Ok(Described {
        name: driver.name,
        vendor_name: driver.vendor_name,
        storage_protocol: driver.storage_protocol,
        capabilities,
        pools: stats.map(|stats| stats.pools).unwrap_or_default(),
        options: options::rows(&options)?,
    })
}
