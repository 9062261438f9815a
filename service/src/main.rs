//! `ashlar`: the volume service.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use ashlar::{
    attach, check, reconcile, schedule,
    serve::{self, Orders},
    store_command::{self, StoreCommand},
};
use ashlar_common::{
    host::{LogFormat, Mortality, start_logging},
    ids::BackendName,
};
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    version,
    about = "Block storage volumes, on the drivers of this machine",
    after_help = "Examples:\n  \
        ashlar check --config /etc/ashlar/ashlar.toml   reads the file and asks every driver for its backend's room\n  \
        ashlar serve --config /etc/ashlar/ashlar.toml   serves the API and a host for each backend\n  \
        ashlar serve --config /etc/ashlar/ashlar.toml --no-hosts --listen 127.0.0.1:8777\n    \
        one more API process beside it\n  \
        ashlar store status --config /etc/ashlar/ashlar.toml   says what the store holds\n  \
        ashlar schedule --config /etc/ashlar/ashlar.toml --size 10 --explain\n    \
        says where such a volume would go, and why\n  \
        ashlar reconcile --config /etc/ashlar/ashlar.toml   what does not fit together, and what would be done about it\n  \
        mount $(ashlar attach monday) /mnt   makes a volume a device of this host, and mounts it\n\n\
        Exit codes: 0 well; 1 it failed; 2 wrong command line or configuration; 3 reconcile found what is not mended; \
        4 the volume to detach is in use"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serves the API and starts a host for each backend
    Serve {
        /// The configuration file
        #[arg(long)]
        config: PathBuf,
        /// Address and port to listen on instead of that of the file
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<SocketAddr>,
        /// Starts no hosts: one more API process beside a service that has them
        #[arg(long)]
        no_hosts: bool,
        /// How logs are written to standard error
        #[arg(long, value_enum, default_value_t, env = "ASHLAR_LOG_FORMAT")]
        log_format: LogFormat,
        /// What is logged, as `info` or `ashlar=debug,info`
        #[arg(long, default_value = "info", env = "ASHLAR_LOG")]
        log: String,
        #[command(flatten)]
        mortality: Mortality,
    },
    /// Shows where records, operation log and backends do not fit together, and what would be done about it
    ///
    /// Looks at the backends anew, beside the hosts that serve them. With --apply, what can be mended and was seen before, at
    /// least `host.reconcile.grace_seconds` ago, is mended: records at once; on the backend by operations, which its host
    /// carries out in turn with all others. docs/recovery.md explains each finding.
    #[command(
        after_help = "Exit codes: 0 nothing found, or all of it mended; 1 a backend cannot be looked at; 2 wrong command line or configuration; 3 findings that are not mended"
    )]
    Reconcile {
        /// The configuration file
        #[arg(long)]
        config: PathBuf,
        /// This backend only
        #[arg(long)]
        backend: Option<BackendName>,
        /// Change nothing, which is the default
        #[arg(long, conflicts_with = "apply")]
        dry_run: bool,
        /// Mend what can be mended
        #[arg(long)]
        apply: bool,
        /// How findings are printed
        #[arg(long, value_enum, default_value_t)]
        format: reconcile::Format,
    },
    /// Makes a volume a device of this host, and prints the device's path alone
    ///
    /// Needs root but for volumes that are files. Again it prints the same path; after a crash in the middle it goes on from
    /// there. What is attached is remembered on this host: after a reboot, attach again. docs/attach.md has the whole.
    #[command(after_help = "Examples:\n  \
        mount $(ashlar attach monday) /mnt\n  \
        ashlar attach --read-only 6d9c2b0e-7d0f-4c58-9a0e-0d7c1d1f8b1a --endpoint http://10.0.0.1:8776\n  \
        ashlar attach monday --format json\n\n\
        Exit codes: 0 attached; 1 not attached, and the reason; 2 wrong command line")]
    Attach(attach::AttachOptions),
    /// Flushes a volume, takes it from this host, and ends its attachment
    ///
    /// What is mounted or built upon is left as it is. After a crash in the middle it goes on from there. The service is asked
    /// where the volume was attached by.
    #[command(after_help = "Examples:\n  \
        umount /mnt && ashlar detach monday\n  \
        ashlar detach --force monday   its storage is gone, and so is what was not written yet\n\n\
        Exit codes: 0 detached, or not attached here; 1 it failed, detach again; 2 wrong command line; 4 in use, nothing was changed")]
    Detach(attach::DetachOptions),
    /// Lists the volumes that `ashlar attach` has made devices of this host
    #[command(
        after_help = "STATUS is attached, gone (the device is not there, as after a reboot: attach or detach again), or\n\
        unfinished (the command died: attach or detach again)."
    )]
    Attached(attach::AttachedOptions),
    /// Reads the configuration file, and opens every backend
    Check {
        /// The configuration file
        #[arg(long)]
        config: PathBuf,
    },
    /// Looks at the store, copies it to the other engine, takes its schema up and down
    #[command(subcommand)]
    Store(StoreCommand),
    /// Says where a volume would go, from what is in the store; nothing is changed
    Schedule(schedule::Asked),
}

const MISUSE: u8 = 2;
const FOUND: u8 = 3;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("cannot start the runtime: {error}"), 1),
    };
    // The environment is read here and nowhere else.
    #[expect(clippy::disallowed_methods, reason = "this is a main.rs")]
    let search = std::env::var_os("PATH").unwrap_or_default();
    match cli.command {
        Command::Serve { config, listen, no_hosts, log_format, log, mortality } => {
            if let Err(error) = start_logging(log_format, &log) {
                return fail(&error, MISUSE);
            }
            let (config, search, log) = (&config, &search, &log);
            let orders = Orders { config, search, log, log_format, listen, hosts: !no_hosts, mortality: &mortality };
            finish(runtime.block_on(serve::serve(orders)))
        }
        Command::Reconcile { config, backend, apply, format, .. } => {
            let asked = reconcile::Asked { backend: backend.as_ref(), apply, format };
            match runtime.block_on(reconcile::reconcile(&config, &search, asked)) {
                Ok(false) => ExitCode::from(FOUND),
                ended => finish(ended.map(drop)),
            }
        }
        Command::Store(command) => match runtime.block_on(store_command::run(command)) {
            Ok(code) => code,
            Err(error) => finish(Err(error)),
        },
        Command::Attach(options) => finish(runtime.block_on(attach::attach(&options))),
        Command::Detach(options) => match runtime.block_on(attach::detach(&options)) {
            Err(error) if attach::is_in_use(&error) => fail(&format!("{error:#}"), attach::IN_USE),
            ended => finish(ended),
        },
        Command::Attached(options) => finish(attach::attached(&options)),
        Command::Check { config } => finish(runtime.block_on(check::check(&config, &search))),
        Command::Schedule(asked) => finish(runtime.block_on(schedule::schedule(&asked))),
    }
}

fn finish(ended: anyhow::Result<()>) -> ExitCode {
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<ashlar_common::config::Error>() => fail(&format!("{error:#}"), MISUSE),
        Err(error) => fail(&format!("{error:#}"), 1),
    }
}

fn fail(text: &str, code: u8) -> ExitCode {
    use std::io::Write;
    // Standard error may be closed; the exit code says it all the same.
    let _ = writeln!(std::io::stderr(), "error: {text}");
    ExitCode::from(code)
}
