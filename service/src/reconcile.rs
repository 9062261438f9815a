//! `ashlar reconcile`: what does not fit together on each backend, and what would be, or is, done about it.

use std::{
    ffi::{OsStr, OsString},
    io::Write,
    path::Path,
    time::Duration,
};

use anyhow::{Result, anyhow, bail};
use ashlar_common::{
    config::Config,
    driver::OpCtx,
    exec::Program,
    ids::{BackendName, OpId},
};
use clap::ValueEnum;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::drivers;

/// Opening a backend and looking at all of it may take no longer.
const TIMEOUT: Duration = Duration::from_secs(450);

/// How findings are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs: an array with an object for each backend.
    Json,
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// One backend, or all.
    pub backend: Option<&'a BackendName>,
    /// Mend what can be mended.
    pub apply: bool,
    /// How it is printed.
    pub format: Format,
}

/// Looks at the backends and prints what was found. Answers whether nothing is left to do.
///
/// # Errors
/// When the file is wrong or a backend cannot be looked at; what the others have is printed all the same.
pub async fn reconcile(file: &Path, search: &OsStr, asked: Asked<'_>) -> Result<bool> {
    let config = Config::load(file)?;
    let file = file.canonicalize()?;
    if let Some(name) = asked.backend.filter(|name| !config.backends.contains_key(*name)) {
        bail!("{}: there is no [backends.{name}]", file.display());
    }
    let (mut reports, mut failures, mut clean) = (Vec::new(), Vec::new(), true);
    let wanted = config.backends.iter().filter(|(name, _)| asked.backend.is_none_or(|only| only == *name));
    for (name, backend) in wanted {
        match ask(&file, name, &backend.driver, search, asked.apply).await {
            Ok((report, done)) => {
                clean &= done;
                reports.push(report);
            }
            Err(error) => failures.push(format!("backend {name}: {error:#}")),
        }
    }
    let text = match asked.format {
        Format::Json => format!("{:#}\n", Value::Array(reports)),
        Format::Table => table(&reports, asked.apply),
    };
    std::io::stdout().write_all(text.as_bytes())?;
    if failures.is_empty() { Ok(clean) } else { Err(anyhow!(failures.join("\n"))) }
}

/// The report of one backend, and whether nothing is left to do on it.
async fn ask(file: &Path, name: &BackendName, driver: &str, search: &OsStr, apply: bool) -> Result<(Value, bool)> {
    let ctx = OpCtx::new(OpId::new(), TIMEOUT, CancellationToken::new());
    let program = Program::at("the driver", drivers::find(driver, search)?)?;
    let mut args: Vec<OsString> = vec!["reconcile".into(), "--config".into(), file.into()];
    args.extend(["--backend".into(), name.as_str().into()]);
    args.extend(apply.then(|| "--apply".into()));
    let output = match program.run(args).accept([0, 1]).output(&ctx).await {
        Ok(output) => output,
        Err(error) if !error.stderr().is_empty() => {
            bail!("{}", error.stderr().trim().trim_start_matches("error: "));
        }
        Err(error) => return Err(error.into()),
    };
    Ok((serde_json::from_slice(&output.stdout)?, output.status.success()))
}

/// A line for each finding, and a last one that says what to do next.
fn table(reports: &[Value], applied: bool) -> String {
    let rows: Vec<[String; 5]> = reports.iter().flat_map(rows).collect();
    if rows.is_empty() {
        return "records, log and backends agree\n".to_owned();
    }
    let head = ["BACKEND", "FINDING", "ID", "WHAT WAS SEEN", if applied { "DONE" } else { "WITH --apply" }];
    let mut lines = vec![head.map(str::to_owned)];
    lines.extend(rows);
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..4).map(width).collect();
    let mut text = String::new();
    for [backend, finding, id, seen, done] in &lines {
        text += &format!(
            "{backend:<0$}  {finding:<1$}  {id:<2$}  {seen:<3$}  {done}\n",
            widths[0], widths[1], widths[2], widths[3]
        );
    }
    text + if applied { "" } else { "nothing was changed\n" }
}

fn rows(report: &Value) -> Vec<[String; 5]> {
    let backend = word(&report["backend"]);
    let findings = report["findings"].as_array().map(Vec::as_slice).unwrap_or_default();
    let row = |finding: &Value| {
        [backend.clone(), word(&finding["kind"]), word(&finding["id"]), word(&finding["detail"]), done(finding)]
    };
    findings.iter().map(row).collect()
}

/// What is done about a finding, or why nothing is.
fn done(finding: &Value) -> String {
    let action = finding["action"].as_str();
    match (&finding["applied"], finding["apply"].as_str()) {
        (Value::String(done), _) if done == "stale" => "nothing: it is not so any more".to_owned(),
        (Value::String(done), _) => done.clone(),
        (Value::Object(logged), _) => format!("operation {}", logged.values().next().map(word).unwrap_or_default()),
        (_, Some("clean")) => action.unwrap_or_default().to_owned(),
        (_, Some("wait")) => {
            format!("not yet, seen for {} s; then {}", finding["known_for_seconds"], action.unwrap_or_default())
        }
        _ if finding["ours"] == false => "nothing: not provably ours".to_owned(),
        _ => "nothing: people must decide".to_owned(),
    }
}

fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
