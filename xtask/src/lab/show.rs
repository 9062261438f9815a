//! A lab's whereabouts, for people and for programs. No form holds the password.

use std::fmt::Write;

use anyhow::Result;
use ashlar_lab::postgres::Standing;
use clap::ValueEnum;
use serde_json::json;

/// How it is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Lines for people
    Text,
    /// One document for programs
    Json,
}

pub(super) fn show(standing: &Standing, format: Format) -> Result<String> {
    let (address, answers) = (&standing.address, standing.answers());
    let url = address.url_of("postgres");
    if format == Format::Json {
        let document = json!({
            "url": url,
            "socket": address.socket(),
            "password_file": address.password_file(),
            "pass_file": address.pass_file(),
            "log": standing.log,
            "data": standing.data,
            "keeper": standing.keeper,
            "for_process": standing.owner,
            "answers": answers,
        });
        return Ok(serde_json::to_string_pretty(&document)? + "\n");
    }
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "{name:<14} {value}");
    };
    line("state", if answers { "up" } else { "does not answer" });
    line("url", &url);
    line("password file", &address.password_file().display().to_string());
    line("PGPASSFILE", &address.pass_file().display().to_string());
    line("log", &standing.log.display().to_string());
    Ok(text)
}
