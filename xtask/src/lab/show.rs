//! A lab's whereabouts, for people and for programs. No form holds the password.

use std::fmt::Write;

use anyhow::Result;
use ashlar_lab::{
    Lab, Standing,
    machine::{Kernel, Lvm},
    postgres::Postgres,
};
use clap::ValueEnum;
use serde_json::{Value, json};

/// How it is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Lines for people
    Text,
    /// One document for programs
    Json,
}

/// What there is to tell of a lab beside its keeper, by names for people and by names for programs.
pub(super) trait Told: Lab {
    /// In lines.
    fn lines(&self) -> Vec<(&'static str, String)>;

    /// In a document's fields.
    fn fields(&self) -> Value;
}

impl Told for Postgres {
    fn lines(&self) -> Vec<(&'static str, String)> {
        vec![
            ("url", self.address.url_of("postgres")),
            ("password file", self.address.password_file().display().to_string()),
            ("PGPASSFILE", self.address.pass_file().display().to_string()),
        ]
    }

    fn fields(&self) -> Value {
        let address = &self.address;
        json!({
            "url": address.url_of("postgres"),
            "socket": address.socket(),
            "password_file": address.password_file(),
            "pass_file": address.pass_file(),
            "data": self.data,
        })
    }
}

impl Told for Lvm {
    fn lines(&self) -> Vec<(&'static str, String)> {
        let (kernel, why) = named(&self.kernel);
        vec![("kernel", format!("{kernel}: {why}")), ("machines", self.machines.to_string())]
    }

    fn fields(&self) -> Value {
        let (kernel, why) = named(&self.kernel);
        json!({ "kernel": kernel, "why": why, "machines": self.machines, "socket": self.socket })
    }
}

fn named(kernel: &Kernel) -> (&'static str, &str) {
    match kernel {
        Kernel::Host { why } => ("host", why),
        Kernel::User { why } => ("user", why),
    }
}

pub(super) fn show<L: Told>(standing: &Standing<L>, format: Format) -> Result<String> {
    let (lab, answers) = (&standing.lab, standing.lab.answers());
    if format == Format::Json {
        let mut document = lab.fields();
        document["log"] = json!(standing.log);
        document["keeper"] = json!(standing.keeper);
        document["for_process"] = json!(standing.owner);
        document["answers"] = json!(answers);
        return Ok(serde_json::to_string_pretty(&document)? + "\n");
    }
    let state = if answers { "up" } else { "does not answer" };
    let mut lines = vec![("state", state.to_owned())];
    lines.extend(lab.lines());
    lines.push(("log", standing.log.display().to_string()));
    let mut text = String::new();
    for (name, value) in lines {
        let _ = writeln!(text, "{name:<14} {value}");
    }
    Ok(text)
}
