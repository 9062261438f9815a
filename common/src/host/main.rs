//! The command line of `ashlar-driver-<name>`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use clap::{Args, Parser, Subcommand};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use super::{calls, compare, describe, logging::LogFormat, mortality::Mortality, reconcile, run};
use crate::{
    chain::chain,
    config::{self, Config},
    driver::{Driver, DriverInfo, OpCtx},
    ids::{BackendName, OpId},
    stats::BackendStats,
};

/// Exit code when records and backend differ.
pub(super) const DIFFERENT: u8 = 1;
/// Exit code for a wrong command line or configuration file.
pub(super) const MISUSE: u8 = 2;
/// Exit code when the backend or the store cannot be used now: worth another try.
pub(super) const UNUSABLE: u8 = 3;
/// Exit code when another host has taken the backend over.
pub(super) const FENCED: u8 = 4;
/// Setting up a backend and describing it may take no longer.
const OPEN_TIMEOUT: Duration = Duration::from_secs(120);

/// What `calls` logs: its caller keeps the last of it for error messages.
const CALLS_LOG: &str = "warn";

/// What a driver crate gives to become an executable.
#[async_trait]
pub trait DriverProgram: Send + Sync + 'static {
    /// The `options` of a backend of this driver. Its schema and texts are what `describe` prints.
    type Config: DeserializeOwned + JsonSchema + Send;

    /// Who the driver is.
    fn info() -> DriverInfo;

    /// Sets the driver up: checks tools, versions and that the backend can be reached.
    ///
    /// # Errors
    /// An error that names the missing thing and the fix.
    async fn open(config: Self::Config) -> crate::driver::Result<Arc<dyn Driver>>;

    /// The least configuration of a backend that lives in an empty directory and goes with it, where the driver can have
    /// such a thing: documentation is made from what it says of itself there.
    fn scratch(_directory: &Path) -> Option<Self::Config> {
        None
    }
}

#[derive(Parser)]
#[command(
    version,
    about = "The host of one Ashlar backend",
    after_help = "Examples:\n  \
        describe                                          who the driver is, and its options as a JSON schema\n  \
        check --config /etc/ashlar/ashlar.toml --backend fast   opens the backend, prints what it can do and its room\n  \
        compare --config /etc/ashlar/ashlar.toml --backend fast   where the records and the backend differ\n  \
        reconcile --config /etc/ashlar/ashlar.toml --backend fast   what does not fit together; `ashlar reconcile` asks all backends\n  \
        calls --config /etc/ashlar/ashlar.toml --backend fast   answers driver calls, a JSON line each, on standard input and output\n  \
        run   --config /etc/ashlar/ashlar.toml --backend fast   serves the backend; `ashlar serve` starts this for you\n\n\
        Exit codes: 0 well; 1 records and backend differ; 2 wrong command line or configuration; 3 backend or store cannot be used; 4 another host took over"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Prints identity and configuration schema as JSON; with a backend, its capabilities too
    Describe {
        /// The configuration file
        #[arg(long, requires = "backend")]
        config: Option<PathBuf>,
        /// The backend whose capabilities are asked for
        #[arg(long, requires = "config")]
        backend: Option<BackendName>,
        /// Opens a backend in this empty directory instead, where the driver can, and tells its statistics too
        #[arg(long, conflicts_with = "config", value_name = "DIRECTORY")]
        scratch: Option<PathBuf>,
    },
    /// Opens the backend and prints what it reports, as JSON
    Check(Which),
    /// Prints where the store's records and the backend differ, as JSON; changes nothing
    Compare(Which),
    /// Prints all that does not fit together, and what would be done about it, as JSON; with --apply, does it
    Reconcile {
        #[command(flatten)]
        which: Which,
        /// Mend what can be mended and was seen before, at least host.reconcile.grace_seconds ago
        #[arg(long)]
        apply: bool,
    },
    /// Opens the backend and answers driver calls: JSON lines on standard input and output
    ///
    /// For tests of the driver itself, as the conformance suite: no store, no records, no lock. Do not use it on a backend
    /// that a service has volumes on. The first line written says who the driver is and what it can do; then each request
    /// `{"id":1,"call":"inspect","limit_ms":60000,"arguments":{..}}` is answered by `{"id":1,"answer":..}` or
    /// `{"id":1,"error":{"kind":"busy","message":".."}}`, with `{"id":1,"progress":{"done":1,"total":2}}` before; and
    /// `{"cancel":1}` ends one early. It ends when standard input closes, and cancels what runs. The protocol in full is the
    /// documentation of `ashlar_common::host::calls`.
    #[command(
        after_help = "Exit codes: 0 standard input closed; 2 wrong command line, configuration or request; 3 backend cannot be used, or calls did not end"
    )]
    Calls(Which),
    /// Serves the backend until told to stop
    Run {
        #[command(flatten)]
        which: Which,
        /// Stop when standard input closes: how a host ends with the service that started it
        #[arg(long)]
        until_stdin_closes: bool,
        /// How logs are written to standard error
        #[arg(long, value_enum, default_value_t, env = "ASHLAR_LOG_FORMAT")]
        log_format: LogFormat,
        /// What is logged, as `info` or `ashlar_common=debug,info`
        #[arg(long, default_value = "info", env = "ASHLAR_LOG")]
        log: String,
        #[command(flatten)]
        mortality: Mortality,
    },
}

#[derive(Args)]
struct Which {
    /// The configuration file
    #[arg(long)]
    config: PathBuf,
    /// The backend, a section of that file
    #[arg(long)]
    backend: BackendName,
}

/// A backend as configured for this driver.
pub(super) struct Configured<P: DriverProgram> {
    pub(super) config: Config,
    pub(super) name: BackendName,
    pub(super) backend: config::Backend,
    pub(super) options: P::Config,
}

/// What ends a command early: the text for people, and the exit code.
pub(super) struct Failure(pub(super) String, pub(super) u8);

/// Runs the driver executable.
pub fn main<P: DriverProgram>() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&Failure(format!("cannot start the runtime: {error}"), UNUSABLE)),
    };
    let ended = runtime.block_on(async {
        match cli.command {
            Command::Describe { config: Some(file), backend: Some(backend), .. } => {
                let opened = open::<P>(configured::<P>(&Which { config: file, backend })?).await?;
                describe::print(&describe::of::<P>(Some(opened.as_ref()), None))
            }
            Command::Describe { scratch: Some(directory), .. } => match P::scratch(&directory) {
                Some(options) => {
                    let driver = opened::<P>("scratch", options).await?;
                    let stats = stats(driver.as_ref()).await?;
                    describe::print(&describe::of::<P>(Some(driver.as_ref()), Some(&stats)))
                }
                None => describe::print(&describe::of::<P>(None, None)),
            },
            Command::Describe { .. } => describe::print(&describe::of::<P>(None, None)),
            Command::Check(which) => {
                let driver = open::<P>(configured::<P>(&which)?).await?;
                let stats = stats(driver.as_ref()).await?;
                describe::print(&describe::check(driver.as_ref(), &stats))
            }
            Command::Compare(which) => compare::compare::<P>(configured::<P>(&which)?).await,
            Command::Reconcile { which, apply } => reconcile::reconcile::<P>(configured::<P>(&which)?, apply).await,
            Command::Calls(which) => {
                let signals = |error: std::io::Error| Failure(format!("signals: {error}"), UNUSABLE);
                super::logging::start_logging(LogFormat::Text, CALLS_LOG).map_err(|error| Failure(error, MISUSE))?;
                let stop = run::stop_signal(false).map_err(signals)?;
                calls::serve(open::<P>(configured::<P>(&which)?).await?, stop).await
            }
            Command::Run { which, until_stdin_closes, log_format, log, mortality } => {
                super::logging::start_logging(log_format, &log).map_err(|error| Failure(error, MISUSE))?;
                run::run::<P>(configured::<P>(&which)?, until_stdin_closes, &mortality).await
            }
        }
    });
    // Waits for nobody: a system call on a backend that is gone would hold the process for ever.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => fail(&failure),
    }
}

fn fail(failure: &Failure) -> ExitCode {
    use std::io::Write;
    // Standard error may be closed; the exit code says it all the same.
    let _ = writeln!(std::io::stderr(), "error: {}", failure.0);
    ExitCode::from(failure.1)
}

fn configured<P: DriverProgram>(which: &Which) -> Result<Configured<P>, Failure> {
    let config = Config::load(&which.config).map_err(|error| Failure(chain(&error), MISUSE))?;
    let name = which.backend.clone();
    let Some(backend) = config.backends.get(&name).cloned() else {
        let known: Vec<&str> = config.backends.keys().map(BackendName::as_str).collect();
        let text = format!("{}: there is no [backends.{name}]; there is {}", which.config.display(), known.join(", "));
        return Err(Failure(text, MISUSE));
    };
    let driver = P::info().name;
    if backend.driver != driver {
        let text = format!("backend {name} asks for driver {:?}; this is {driver:?}", backend.driver);
        return Err(Failure(text, MISUSE));
    }
    let options = backend.options.clone().try_into().map_err(|error: toml::de::Error| {
        Failure(format!("{}: [backends.{name}.options]: {}", which.config.display(), error.message()), MISUSE)
    })?;
    Ok(Configured { config, name, backend, options })
}

pub(super) async fn open<P: DriverProgram>(configured: Configured<P>) -> Result<Arc<dyn Driver>, Failure> {
    opened::<P>(configured.name.as_str(), configured.options).await
}

async fn stats(driver: &dyn Driver) -> Result<BackendStats, Failure> {
    let ctx = OpCtx::new(OpId::new(), OPEN_TIMEOUT, CancellationToken::new());
    driver.stats(&ctx).await.map_err(|error| Failure(error.chain(), UNUSABLE))
}

async fn opened<P: DriverProgram>(name: &str, options: P::Config) -> Result<Arc<dyn Driver>, Failure> {
    match tokio::time::timeout(OPEN_TIMEOUT, P::open(options)).await {
        Ok(Ok(driver)) => Ok(driver),
        Ok(Err(error)) => Err(Failure(format!("backend {name} cannot be used: {}", error.chain()), UNUSABLE)),
        Err(_) => {
            let text = format!("backend {name} did not open within {} s", OPEN_TIMEOUT.as_secs());
            Err(Failure(text, UNUSABLE))
        }
    }
}
