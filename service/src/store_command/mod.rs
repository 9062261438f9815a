//! `ashlar store`: looking at the store, copying it to the other engine, and taking its schema up and down.

mod report;

use std::{io::Write, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result, bail};
use ashlar_common::{
    config::{Config, StoreSection},
    store::{Location, upkeep},
};
use clap::{Args, Subcommand, ValueEnum};

use report::Report;

/// How a report is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

/// What all of them take.
#[derive(Args, Debug)]
pub struct Common {
    /// The configuration file, which says where the store is
    #[arg(long)]
    config: PathBuf,
    /// How the report is written to standard output
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What is done with the store.
#[derive(Subcommand, Debug)]
#[command(after_help = "Examples:\n  \
    ashlar store status --config /etc/ashlar/ashlar.toml --format json\n  \
    ashlar store copy --config /etc/ashlar/ashlar.toml --to postgresql://ashlar@127.0.0.1/ashlar \\\n    \
    --password-file /etc/ashlar/password   from the file to a server\n  \
    ashlar store copy --config /etc/ashlar/server.toml --to /etc/ashlar/file.toml   and back\n  \
    ashlar store schema --config /etc/ashlar/ashlar.toml --to 2 --yes   before an older program is installed\n\n\
    Exit codes: 0 well; 1 it failed, or status found what is not as it must be; 2 wrong command line or configuration")]
pub enum StoreCommand {
    /// Says where the store is, what is in it, who uses it, and whether it agrees with itself; changes nothing
    Status {
        /// What all of them take
        #[command(flatten)]
        common: Common,
    },
    /// Copies all records to an empty store, on the other engine or the same
    ///
    /// Nothing may serve from either store meanwhile: stop all API processes and hosts first. The copy is one
    /// transaction: it is there as a whole, compared row by row, or not at all. The old store stays as it is.
    Copy {
        /// What all of them take
        #[command(flatten)]
        common: Common,
        /// Where to: `postgresql://user@host:port/database`, or a configuration file that names the other store
        #[arg(long, value_name = "URL_OR_TOML")]
        to: String,
        /// Holds the password for that URL in its first line
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Takes the schema to a version, for a program that works with that one
    ///
    /// `ashlar serve` takes it up by itself. Down is for going back to an older program; what only newer versions
    /// record is lost. Nothing may serve from the store meanwhile. Make a copy of the store first: see docs/store.md.
    Schema {
        /// What all of them take
        #[command(flatten)]
        common: Common,
        /// The version
        #[arg(long, value_name = "VERSION")]
        to: i64,
        /// Down as well, with the loss that this means
        #[arg(long)]
        yes: bool,
    },
}

/// Does it.
///
/// # Errors
/// Whatever stands in the way; a wrong configuration as [`ashlar_common::config::Error`].
pub async fn run(command: StoreCommand) -> Result<ExitCode> {
    match command {
        StoreCommand::Status { common } => {
            let status = upkeep::status(&Config::load(&common.config)?.store_location()).await?;
            let well = report::is_well(&status);
            Report::Status(&status).write(common.format)?;
            Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        StoreCommand::Copy { common, to, password_file } => {
            let from = Config::load(&common.config)?.store_location();
            let to = target(&to, password_file)?;
            let tables = upkeep::copy(&from, &to, tell).await?;
            Report::Copied { from: &from, to: &to, tables: &tables }.write(common.format)?;
            Ok(ExitCode::SUCCESS)
        }
        StoreCommand::Schema { common, to, yes } => {
            let location = Config::load(&common.config)?.store_location();
            let now = upkeep::status(&location).await?.schema;
            if to < now && !yes {
                bail!(
                    "going from version {now} down to {to} loses what only the newer versions record; \
                     copy the store first, then ask again with --yes"
                );
            }
            let before = upkeep::change_schema(&location, to).await?;
            Report::Schema { before, now: to }.write(common.format)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Where a copy goes.
fn target(to: &str, password_file: Option<PathBuf>) -> Result<Location> {
    if to.contains("://") {
        let section = StoreSection { url: to.to_owned(), password_file };
        return section.location().map_err(|why| anyhow::anyhow!("--to {why}"));
    }
    if password_file.is_some() {
        bail!("--password-file belongs to a URL; a configuration file names its own");
    }
    let config = Config::load(to.as_ref()).context("--to names neither a URL nor a configuration file")?;
    config.make_directories().context("the state directory of the copy cannot be made")?;
    Ok(config.store_location())
}

/// Standard error may be closed; the copy goes on all the same.
fn tell(progress: &upkeep::Progress<'_>) {
    let _ = writeln!(std::io::stderr(), "{:<16} {:>9} of {}", progress.table, progress.written, progress.rows);
}
