//! The drivers of the workspace, read from its manifests: no driver can keep itself out by forgetting a line.

use std::path::Path;

use anyhow::{Context, Result, bail};
use cargo_metadata::{MetadataCommand, Package, TargetKind};

/// How a driver's package is called.
pub const PREFIX: &str = "ashlar-driver-";
/// The test target that plays the suite.
pub const TARGET: &str = "conformance";

/// A driver of this workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Driver {
    /// Its name, without the package's prefix.
    pub name: String,
    /// Its package.
    pub package: String,
    /// Whether it has the test target [`TARGET`].
    pub tested: bool,
}

/// Every package that is called like a driver and builds an executable, by name.
///
/// # Errors
/// Cargo refuses the workspace.
pub fn drivers(root: &Path) -> Result<Vec<Driver>> {
    let metadata = MetadataCommand::new().current_dir(root).no_deps().exec().context("cargo metadata")?;
    let mut drivers: Vec<Driver> = metadata.workspace_packages().into_iter().filter_map(driver).collect();
    drivers.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(drivers)
}

fn driver(package: &Package) -> Option<Driver> {
    let name = package.name.strip_prefix(PREFIX)?.to_owned();
    let has = |kind: TargetKind| package.targets.iter().filter(move |target| target.kind.contains(&kind));
    has(TargetKind::Bin).next()?;
    let tested = has(TargetKind::Test).any(|target| target.name == TARGET);
    Some(Driver { name, package: package.name.to_string(), tested })
}

/// Those that were asked for, by name or by package; all of them where none was.
///
/// # Errors
/// There is none of that name.
pub fn chosen(drivers: Vec<Driver>, asked: &[String]) -> Result<Vec<Driver>> {
    for name in asked {
        if !drivers.iter().any(|driver| is(driver, name)) {
            let known: Vec<&str> = drivers.iter().map(|driver| driver.name.as_str()).collect();
            bail!("no driver `{name}`; there is {}", known.join(", "));
        }
    }
    Ok(drivers.into_iter().filter(|driver| asked.is_empty() || asked.iter().any(|name| is(driver, name))).collect())
}

fn is(driver: &Driver, name: &str) -> bool {
    driver.name == name || driver.package == name
}
