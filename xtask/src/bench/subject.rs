//! The service that is measured, in a directory of its own.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use ashlar_lab::postgres::Database;

use super::{
    client::request::Requests,
    store::{Backing, section},
};
use crate::{
    stop::Stop,
    up::{
        api::Api,
        demo::run::free_port,
        place::{Place, render},
        programs::Programs,
        service::{Service, kill_host},
    },
};

/// 100,000 volumes of 1 GiB are promised on whatever disk there is; none is ever written to.
const PROMISES: &str = "max_over_subscription_ratio = 1000000.0\n";

/// A service that is started, stopped and killed as a measurement needs it.
pub struct Subject<'a> {
    programs: &'a Programs,
    place: Place,
    stop: &'a Stop,
    service: Option<Service>,
    /// Behind the service: it is dropped when nobody uses it any more.
    _database: Option<Database>,
    /// For single calls.
    pub api: Api,
    /// For hot loops.
    pub requests: Requests,
}

impl<'a> Subject<'a> {
    /// One over a new store on `backing`, everything else below `directory`. It is not started.
    ///
    /// # Errors
    /// The directory or the store cannot be used.
    pub fn prepare(programs: &'a Programs, backing: &Backing, directory: &Path, stop: &'a Stop) -> Result<Self> {
        std::fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
        let root = directory.canonicalize()?;
        let listen = free_port()?;
        let database = backing.database()?;
        // The options of the backend are the last section of what is rendered.
        let text = render(&root, &listen.to_string())? + PROMISES + &section(database.as_ref())?;
        std::fs::write(root.join("ashlar.toml"), text)?;
        let place = Place::prepare(&root, Some(listen), false)?;
        let (api, requests) = (Api::at(listen), Requests::to(listen));
        Ok(Self { programs, place, stop, service: None, _database: database, api, requests })
    }

    /// Its configuration file.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.place.config()
    }

    /// Starts it, and waits for the first good answer.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(&mut self) -> Result<()> {
        let service = self.service.insert(Service::start(self.programs, &self.place)?);
        service.wait_healthy(&self.api, self.stop)?;
        Ok(())
    }

    /// Waits until its host has reported.
    ///
    /// # Errors
    /// It does not.
    pub fn wait_ready(&mut self) -> Result<()> {
        let (api, stop) = (self.api.clone(), self.stop);
        self.running_mut()?.wait_ready(&api, stop)?;
        Ok(())
    }

    /// Asks it to stop, and waits.
    ///
    /// # Errors
    /// It does not end well.
    pub fn stop(&mut self) -> Result<()> {
        let Some(mut service) = self.service.take() else { return Ok(()) };
        let status = service.stop()?;
        ensure!(status.success(), "the service ended with {status}");
        Ok(())
    }

    /// Kills it and its hosts, as a power cut would.
    ///
    /// # Errors
    /// It is not running.
    pub fn kill(&mut self) -> Result<()> {
        let hosts = self.running()?.hosts()?;
        self.running_mut()?.kill()?;
        hosts.into_iter().for_each(kill_host);
        self.service = None;
        Ok(())
    }

    /// The processes of the service and of its host.
    ///
    /// # Errors
    /// One is not running.
    pub fn processes(&self) -> Result<[u32; 2]> {
        let service = self.running()?;
        let hosts = service.hosts()?;
        Ok([service.pid(), *hosts.first().context("there is no host")?])
    }

    fn running(&self) -> Result<&Service> {
        self.service.as_ref().context("the service is not running")
    }

    fn running_mut(&mut self) -> Result<&mut Service> {
        self.service.as_mut().context("the service is not running")
    }
}
