//! What the commands say.

use std::io::{self, Write};

use ashlar_common::store::{
    Location,
    upkeep::{Copied, Status},
};
use serde_json::json;

use super::Format;

/// What was found or done.
#[derive(Clone, Copy, Debug)]
pub(super) enum Report<'a> {
    Status(&'a Status),
    Copied { from: &'a Location, to: &'a Location, tables: &'a [Copied] },
    Schema { before: i64, now: i64 },
}

/// Whether a store is as it must be for this program.
pub(super) fn is_well(status: &Status) -> bool {
    status.schema == status.newest_schema && status.pool_use_agrees == Some(true)
}

impl Report<'_> {
    pub(super) fn write(&self, format: Format) -> io::Result<()> {
        let text = match format {
            Format::Text => self.text(),
            Format::Json => format!("{:#}\n", self.json()),
        };
        io::stdout().write_all(text.as_bytes())
    }

    fn json(&self) -> serde_json::Value {
        match self {
            Self::Status(status) => json!(status),
            Self::Copied { from, to, tables } => {
                json!({ "from": from.to_string(), "to": to.to_string(), "tables": tables })
            }
            Self::Schema { before, now } => json!({ "before": before, "now": now }),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Status(status) => of_status(status),
            Self::Copied { from, to, tables } => {
                let mut text = format!("copied {from} to {to}:\n");
                for Copied { table, rows, checksum } in *tables {
                    text += &format!("  {table:<16} {rows:>9} rows  {checksum}\n");
                }
                text + &next(to)
            }
            Self::Schema { before, now } => format!("the schema went from version {before} to {now}\n"),
        }
    }
}

fn of_status(status: &Status) -> String {
    let schema = match status.schema == status.newest_schema {
        true => format!("version {}", status.schema),
        false => format!("version {}; this program works with {}", status.schema, status.newest_schema),
    };
    let agrees = match status.pool_use_agrees {
        Some(true) => "agrees with the volumes",
        Some(false) => "DIFFERS from the volumes: see docs/store.md",
        None => "not compared: the schema is another version's",
    };
    let used = if status.used_by.is_empty() { "nobody".to_owned() } else { status.used_by.join(", ") };
    let mut text = format!(
        "engine    {}\nlocation  {}\nschema    {schema}\nsize      {} bytes\npool use  {agrees}\nused by   {used}\n",
        status.engine, status.location, status.bytes
    );
    for table in &status.tables {
        text += &format!("  {:<16} {:>9} rows\n", table.table, table.rows);
    }
    text
}

/// What to change now.
fn next(to: &Location) -> String {
    let section = match to {
        Location::Postgres(to) => {
            let file = to.password_file.as_ref().map(|file| format!("password_file = {file:?}\n")).unwrap_or_default();
            format!("put this into the configuration, in place of any [store]:\n\n[store]\nurl = {:?}\n{file}", to.url)
        }
        Location::File(_) | Location::Memory(_) => {
            "start the service with the configuration that names it: one without [store]\n".to_owned()
        }
    };
    section + "\nStart nothing on the old store any more: what it wrote there would not be in the new one.\n"
}
