//! `cargo xtask`: the workspace's own commands. `cargo xtask help COMMAND` tells each in full.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use xtask::{
    affected::command::AffectedTests, affected_bench::command::AffectedBench, audit::command::AffectedAudit,
    bench::command::Bench, ci::command::Ci, compliance::command::Compliance, drivers::command::Drivers,
    evidence::command::Evidence, examples::command::CiExamples, gate::command::Gate, lab::command::Lab,
    storm::command::Storm, terminal, test::command::Test, up::command::Up,
};

/// The workspace's own commands
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
#[command(after_help = "Exit status: 0 done, 1 something that was checked failed, 2 wrong use or not possible here")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    AffectedTests(AffectedTests),
    AffectedAudit(AffectedAudit),
    AffectedBench(AffectedBench),
    Ci(Ci),
    CiExamples(CiExamples),
    Compliance(Compliance),
    Drivers(Drivers),
    Evidence(Evidence),
    Gate(Gate),
    Lab(Lab),
    Storm(Storm),
    Test(Test),
    Up(Up),
    Bench(Bench),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = std::env::current_dir().map_err(anyhow::Error::from).and_then(|here| match arguments.command {
        Command::AffectedAudit(command) => command.run(&here),
        Command::AffectedTests(command) => command.run(&here),
        Command::AffectedBench(command) => command.run(&here),
        Command::Ci(command) => command.run(&here),
        Command::CiExamples(command) => command.run(&here).map(|()| true),
        Command::Compliance(command) => command.run(&here),
        Command::Drivers(command) => command.run(&here).map(|()| true),
        Command::Evidence(command) => command.run(&here),
        Command::Gate(command) => command.run(&here),
        Command::Lab(command) => command.run(&here),
        Command::Storm(command) => command.run(&here),
        Command::Test(command) => command.run(&here),
        Command::Up(command) => command.run(&here),
        Command::Bench(command) => command.run(&here),
    });
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            terminal::complain(&format!("error: {error:#}\n"));
            ExitCode::from(2)
        }
    }
}
