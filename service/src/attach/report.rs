//! What they print.

use std::{io::Write, path::Path};

use anyhow::Result;
use ashlar_common::connector::Attached;
use serde_json::{Value, json};

use super::{options::Format, state::Record};

/// The device that a volume is here.
pub(super) fn device(format: Format, record: &Record, attached: &Attached) -> Result<()> {
    let mut out = std::io::stdout();
    match format {
        Format::Text => {
            use std::os::unix::ffi::OsStrExt;
            out.write_all(attached.path.as_os_str().as_bytes())?;
            writeln!(out)?;
        }
        Format::Json => {
            let told = json!({
                "path": attached.path, "size": u64::from(attached.size), "read_only": attached.read_only,
                "volume_id": record.volume_id, "volume_name": record.volume_name,
                "attachment_id": record.attachment_id,
            });
            writeln!(out, "{told:#}")?;
        }
    }
    Ok(())
}

/// All volumes of this host. Never what they are reached by, which may be secret.
pub(super) fn list(format: Format, records: &[Record]) -> Result<()> {
    let rows: Vec<Value> = records.iter().map(row).collect();
    let mut out = std::io::stdout();
    match format {
        Format::Json => writeln!(out, "{:#}", json!({ "attached": rows }))?,
        Format::Text if rows.is_empty() => writeln!(std::io::stderr(), "nothing is attached here")?,
        Format::Text => write!(out, "{}", table(&rows))?,
    }
    Ok(())
}

fn row(record: &Record) -> Value {
    let status = match &record.path {
        Some(path) if path.exists() => "attached",
        // After a reboot, for one.
        Some(_) => "gone",
        None => "unfinished",
    };
    json!({
        "volume_id": record.volume_id, "volume_name": record.volume_name, "path": record.path,
        "mode": if record.read_only { "ro" } else { "rw" },
        "protocol": record.connection.as_ref().map(|connection| &connection.driver_volume_type),
        "status": status, "attachment_id": record.attachment_id, "endpoint": record.endpoint,
    })
}

fn table(rows: &[Value]) -> String {
    const COLUMNS: [(&str, &str); 6] = [
        ("VOLUME", "volume_id"),
        ("NAME", "volume_name"),
        ("MODE", "mode"),
        ("BY", "protocol"),
        ("STATUS", "status"),
        ("DEVICE", "path"),
    ];
    // A name may hold what a terminal would obey.
    let cell = |row: &Value, key: &str| -> String {
        row[key].as_str().unwrap_or("-").chars().map(|c| if c.is_control() { '?' } else { c }).collect()
    };
    let mut lines = vec![COLUMNS.map(|(title, _)| title.to_owned())];
    lines.extend(rows.iter().map(|row| COLUMNS.map(|(_, key)| cell(row, key))));
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<_> = (0..COLUMNS.len()).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        let padded: Vec<_> = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        text.push_str(padded.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Something to know that is no failure.
pub(super) fn note(text: &str) {
    // Standard error may be closed.
    let _ = writeln!(std::io::stderr(), "note: {text}");
}

/// Bytes that were lost.
pub(super) fn lost(path: Option<&Path>, why: &dyn std::error::Error) {
    let path = path.map(|path| path.display().to_string()).unwrap_or_default();
    let why = ashlar_common::chain::chain(why);
    let _ =
        writeln!(std::io::stderr(), "warning: {path} is detached, but what was last written to it may be lost: {why}");
}
