//! `ashlar check`: reads the configuration and has every driver open its backend.

use std::{ffi::OsStr, io::Write, path::Path, time::Duration};

use anyhow::{Result, bail};
use ashlar_common::{
    config::Config,
    driver::OpCtx,
    exec::Program,
    ids::{BackendName, OpId},
    scheduler::Function,
};
use tokio_util::sync::CancellationToken;

use crate::drivers;

/// One backend may take no longer to open and report.
const TIMEOUT: Duration = Duration::from_secs(150);

/// Checks every backend, prints a line for each, and fails if one cannot be used.
///
/// # Errors
/// When the file is wrong or a backend cannot be used.
pub async fn check(file: &Path, search: &OsStr) -> Result<()> {
    let config = Config::load(file)?;
    let file = file.canonicalize()?;
    let mut out = std::io::stdout();
    let mut unusable = 0;
    for (name, backend) in &config.backends {
        match ask(&file, name, &backend.driver, search).await {
            Ok(report) => writeln!(out, "{name:<16} {:<12} ok       {report}", backend.driver)?,
            Err(error) => {
                unusable += 1;
                writeln!(out, "{name:<16} {:<12} failed   {error:#}", backend.driver)?;
            }
        }
    }
    if config.backends.is_empty() {
        bail!("{} has no [backends.<name>] section: no volume could be made", file.display());
    }
    if unusable > 0 {
        bail!("{unusable} of {} backends cannot be used", config.backends.len());
    }
    Ok(())
}

async fn ask(file: &Path, name: &BackendName, driver: &str, search: &OsStr) -> Result<String> {
    let ctx = OpCtx::new(OpId::new(), TIMEOUT, CancellationToken::new());
    let program = Program::at("the driver", drivers::find(driver, search)?)?;
    let args = ["check", "--config"].map(Into::into).into_iter().chain([file.into()]);
    let args = args.chain(["--backend".into(), name.as_str().into()]).collect::<Vec<std::ffi::OsString>>();
    let output = match program.run(args).output(&ctx).await {
        Ok(output) => output,
        Err(error) if !error.stderr().is_empty() => {
            bail!("{}", error.stderr().trim().trim_start_matches("error: "));
        }
        Err(error) => return Err(error.into()),
    };
    let report: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let reported = report["stats"]["pools"].as_array().map(Vec::as_slice).unwrap_or_default();
    check_functions(reported)?;
    let pools = reported.len();
    Ok(format!(
        "{} pool{}, driver version {}",
        pools,
        if pools == 1 { "" } else { "s" },
        report["driver"]["version"].as_str().unwrap_or("unknown")
    ))
}

/// The functions that a driver reports; the operator's own were parsed with the file.
fn check_functions(pools: &[serde_json::Value]) -> Result<()> {
    for (pool, key) in pools.iter().flat_map(|pool| ["filter_function", "goodness_function"].map(|key| (pool, key))) {
        if let Some(Err(malformed)) = pool[key].as_str().map(str::parse::<Function>) {
            bail!("its driver reports a malformed {key} for pool {}: {malformed}", pool["name"]);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::check_functions;

    #[test]
    fn a_malformed_function_of_a_driver_is_named_with_its_pool() {
        let pool = |function: &str| [json!({ "name": "a", "goodness_function": function, "filter_function": null })];
        assert!(check_functions(&pool("100")).is_ok());
        let said = check_functions(&pool("100 -")).expect_err("malformed").to_string();
        assert!(said.contains("goodness_function for pool \"a\": column 6"), "{said}");
    }
}
