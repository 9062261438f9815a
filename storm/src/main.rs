//! `ashlar-storm`: kills a whole service again and again while clients are at work, and holds it to what it told them.

use std::{
    io::Write,
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Context, Result};
use ashlar_storm::{options::Options, report::Report, storm::storm};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

#[derive(Parser)]
#[command(
    version,
    about = "Kills a whole service again and again while clients are at work, and holds it to what it told them",
    after_help = "Exit codes: 0 well; 1 something was not as it must be; 2 wrong command line, or not possible here"
)]
struct Cli {
    #[command(flatten)]
    options: Options,
    /// Writes the figures to this file as well
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::from(2)
        }
    }
}

fn run(cli: &Cli) -> Result<bool> {
    let options = &cli.options;
    let seed = options.seed.unwrap_or_else(|| fastrand::u32(..).into());
    say(&format!("seed {seed}"));
    let stop = Arc::<AtomicBool>::default();
    let signals = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    signals.spawn(told_to_stop(Arc::clone(&stop)));
    let kinds = options.store.each();
    let mut reports: Vec<Report> = Vec::new();
    for kind in kinds {
        let report =
            storm(options, *kind, options.kills.div_ceil(kinds.len() as u64), seed, &stop, &mut |line| say(line))?;
        say(&report.text());
        reports.push(report);
        if stop.load(Ordering::Relaxed) {
            break;
        }
    }
    if let Some(path) = &cli.json {
        let text = serde_json::to_string_pretty(&reports)? + "\n";
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(reports.iter().all(Report::is_good))
}

/// Ends what was started, instead of leaving it to the kernel.
async fn told_to_stop(stop: Arc<AtomicBool>) -> Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    stop.store(true, Ordering::Relaxed);
    Ok(())
}

fn say(line: &str) {
    // Nobody may be reading; the exit code says it all the same.
    let _ = writeln!(std::io::stderr(), "{line}");
}
