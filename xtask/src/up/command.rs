//! The command line of `up`.

use std::{
    io::IsTerminal,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::Result;
use clap::Args;

use super::{
    api::Api,
    demo::run::{Demo, demonstrate},
    page::{Page, page},
    place::Place,
    programs::Programs,
    service::Service,
    tail::tail,
};
use crate::{affected::cargo::Cargo, stop::Stop, terminal};

const WATCH: Duration = Duration::from_millis(100);

/// Builds the service and runs it on this machine, with volumes as files
///
/// Everything it makes is below one state directory. The configuration there is written once and then kept. With
/// --demo it shows a volume's whole life with all bytes compared, in a directory of its own that it removes, and ends.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cargo xtask up                                        until Ctrl-C; volumes stay for the next time
  cargo xtask up --demo                                 a whole life cycle with data checks
  cargo xtask up --listen 127.0.0.1:8777 --state DIR    a second service

Exit status:
  0  stopped as asked, or all of --demo is well
  1  the service died, or a step of --demo failed
  2  wrong use, or the service could not be started")]
pub struct Up {
    /// Keeps everything in this directory [default: target/up]
    #[arg(long, value_name = "DIR", conflicts_with = "demo")]
    state: Option<PathBuf>,
    /// Listens here; a loopback address, since there is no authentication yet [default: 127.0.0.1:8776]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Begins anew: removes what an earlier `up` made in the state directory
    #[arg(long, conflicts_with = "demo")]
    clean: bool,
    /// Shows a whole life cycle with data checks, and ends
    #[arg(long)]
    demo: bool,
    /// Keeps the demonstration's directory
    #[arg(long, requires = "demo")]
    keep: bool,
    /// Builds optimised programs
    #[arg(long)]
    release: bool,
    /// Takes the programs from this directory and builds nothing
    #[arg(long, value_name = "DIR", conflicts_with = "release")]
    programs: Option<PathBuf>,
    /// Prints plain lines [default: where standard error is no terminal, and where CI is set]
    #[arg(long, env = "CI", value_parser = clap::builder::FalseyValueParser::new(), hide_env = true)]
    plain: bool,
}

impl Up {
    /// Runs it in the workspace around `directory`; whether it ended well.
    ///
    /// # Errors
    /// It could not begin: the programs do not build, or the directory or the port cannot be used.
    pub fn run(&self, directory: &Path) -> Result<bool> {
        let cargo = Cargo::read(directory)?;
        let plain = self.plain || !std::io::stderr().is_terminal();
        let programs = match &self.programs {
            Some(given) => Programs::found(given)?,
            None => Programs::build(&cargo, self.release, plain)?,
        };
        let stop = Stop::on_signals()?;
        if self.demo {
            return demonstrate(&Demo {
                programs: &programs,
                target: &cargo.target,
                listen: self.listen,
                keep: self.keep,
                plain,
                stop: &stop,
            });
        }
        let state = self.state.clone().unwrap_or_else(|| cargo.target.join("up"));
        let place = Place::prepare(&state, self.listen, self.clean)?;
        serve(&programs, &place, &stop)
    }
}

fn serve(programs: &Programs, place: &Place, stop: &Stop) -> Result<bool> {
    let api = Api::at(place.listen());
    let started = Instant::now();
    let mut service = Service::start(programs, place)?;
    service.wait_ready(&api, stop)?;
    terminal::print(&page(&Page {
        place,
        endpoint: &api.endpoint(),
        pid: service.pid(),
        seconds: started.elapsed().as_secs_f64(),
    }));
    loop {
        if stop.asked() {
            terminal::complain("\nstopping\n");
            let status = service.stop()?;
            terminal::complain(&format!("stopped after {:.1} min\n", started.elapsed().as_secs_f64() / 60.0));
            return Ok(status.success());
        }
        if let Some(status) = service.ended()? {
            let log = place.log();
            terminal::complain(&format!(
                "error: the service ended by itself with {status}; the end of {}:\n{}",
                log.display(),
                tail(&log)
            ));
            return Ok(false);
        }
        std::thread::sleep(WATCH);
    }
}
