//! The measurements, in order.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use super::{
    figures::{Figure, Times},
    floor,
    load::{create, delete},
};
use crate::{
    stop::Stop,
    terminal,
    up::{
        api::Api,
        demo::run::free_port,
        place::Place,
        programs::Programs,
        service::{Service, memory},
    },
};

/// How much of everything is measured.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    starts: usize,
    /// Volumes made and removed one after another.
    alone: usize,
    /// Volumes that there are in the end.
    all: usize,
    lists: usize,
}

impl Size {
    /// For documents.
    pub const FULL: Self = Self { starts: 9, alone: 200, all: 1000, lists: 50 };
    /// For a first look.
    pub const QUICK: Self = Self { starts: 3, alone: 50, all: 100, lists: 10 };
}

const CLIENTS: usize = 16;
const ROUNDS: usize = 5;

struct Bench<'a> {
    programs: &'a Programs,
    place: Place,
    api: Api,
    size: Size,
    stop: &'a Stop,
    figures: Vec<Figure>,
}

/// Measures everything on a service whose everything is in `directory`.
///
/// # Errors
/// The service does not do what it is measured at.
pub fn measure(programs: &Programs, directory: &Path, size: Size, stop: &Stop) -> Result<Vec<Figure>> {
    let floors = directory.join("floor");
    std::fs::create_dir(&floors)?;
    let place = Place::prepare(&directory.join("up"), Some(free_port()?), false)?;
    let api = Api::at(place.listen());
    let mut bench = Bench { programs, place, api, size, stop, figures: Vec::new() };
    say("starting");
    let mut service = bench.starts()?;
    say("memory and sizes");
    bench.memory(&service, "at rest")?;
    say("creating one after another");
    let mut ids = bench.creates_alone(&floors)?;
    say("creating with 16 clients");
    ids.extend(bench.creates_together(size.all - ids.len())?);
    say("listing");
    bench.lists()?;
    bench.memory(&service, &format!("with {} volumes", size.all))?;
    say("deleting");
    bench.deletes(&ids)?;
    bench.sizes()?;
    let status = service.stop()?;
    ensure!(status.success(), "the service ended with {status}");
    Ok(bench.figures)
}

impl Bench<'_> {
    fn starts(&mut self) -> Result<Service> {
        // The first start makes the store, as no later one does.
        let mut service = Service::start(self.programs, &self.place)?;
        service.wait_ready(&self.api, self.stop)?;
        let mut times = Vec::new();
        for _ in 0..self.size.starts {
            service.stop()?;
            let started = Instant::now();
            service = Service::start(self.programs, &self.place)?;
            service.wait_healthy(&self.api, self.stop)?;
            times.push(started.elapsed());
        }
        service.wait_ready(&self.api, self.stop)?;
        self.figures.push(Figure::time("start to healthy, median", Times::new(times).median()));
        Ok(service)
    }

    fn memory(&mut self, service: &Service, when: &str) -> Result<()> {
        let hosts = service.hosts()?;
        let host = *hosts.first().context("there is no host")?;
        for (name, pid) in [("ashlar", service.pid()), ("ashlar-driver-local", host)] {
            for (line, what) in [("VmRSS", "resident"), ("VmHWM", "at most")] {
                self.figures.push(Figure::size(format!("`{name}` {when}, {what}"), memory(pid, line)?));
            }
        }
        Ok(())
    }

    /// In rounds, so that what else the machine does falls on the service and on the floor alike.
    fn creates_alone(&mut self, floors: &Path) -> Result<Vec<String>> {
        let (mut ids, mut creates, mut files, mut commits) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let count = self.size.alone / ROUNDS;
        for _ in 0..ROUNDS {
            files.extend(floor::file(floors, count)?);
            commits.extend(floor::commits(floors, count)?);
            let load = create(&self.api, count, 1, self.stop)?;
            ids.extend(load.ids);
            creates.extend(load.times);
        }
        let (creates, floor) = (Times::new(creates), Times::new(files).median() + Times::new(commits).median());
        let name = "a file made and renamed, 3 commits of SQLite, all synced";
        let median = Figure::time("create to available, one client, median", creates.median()).over(name, floor);
        let slow = Figure::time("create to available, one client, 95 %", creates.percentile(95));
        self.figures.extend([median, slow]);
        Ok(ids)
    }

    fn creates_together(&mut self, count: usize) -> Result<Vec<String>> {
        let load = create(&self.api, count, CLIENTS, self.stop)?;
        self.figures.push(Figure::rate(format!("creates, {CLIENTS} clients"), count, load.elapsed));
        let name = format!("create to available, {CLIENTS} clients, 95 %");
        self.figures.push(Figure::time(name, Times::new(load.times).percentile(95)));
        Ok(load.ids)
    }

    fn lists(&mut self) -> Result<()> {
        let (all, count) = (self.size.all, self.size.lists);
        let health = times(count * 4, || self.api.health().map(|answer| answer.text))?.1.median();
        self.figures.push(Figure::time("GET /healthcheck, median", health));
        let one = format!("volumes?limit={all}");
        for (name, path) in [("volumes", one.clone()), ("volumes/detail", one.replace('?', "/detail?"))] {
            let (text, measured) = times(count, || Ok(self.api.call("GET", &path, None)?.text))?;
            let listed = text.matches("\"links\"").count();
            ensure!(listed >= all, "expected {all} volumes of {path}, got {listed}");
            let floor = Times::new(floor::answers(&text, count)?).median();
            let name = format!("GET {name}, {all} volumes ({} KiB), median", text.len() >> 10);
            self.figures.push(Figure::time(name, measured.median()).over("the same bytes from memory", floor));
        }
        Ok(())
    }

    fn deletes(&mut self, ids: &[String]) -> Result<()> {
        let (alone, together) = ids.split_at(self.size.alone);
        let times = Times::new(delete(&self.api, alone, 1, self.stop)?.times);
        self.figures.push(Figure::time("delete to gone, one client, median", times.median()));
        self.figures.push(Figure::time("delete to gone, one client, 95 %", times.percentile(95)));
        let load = delete(&self.api, together, CLIENTS, self.stop)?;
        self.figures.push(Figure::rate(format!("deletes, {CLIENTS} clients"), together.len(), load.elapsed));
        Ok(())
    }

    fn sizes(&mut self) -> Result<()> {
        for (name, path) in [("ashlar", &self.programs.service), ("ashlar-driver-local", &self.programs.driver)] {
            let bytes = std::fs::metadata(path).with_context(|| format!("cannot look at {}", path.display()))?.len();
            self.figures.push(Figure::size(format!("size of the program `{name}`"), bytes));
        }
        Ok(())
    }
}

/// The last answer, and how long each took.
fn times(count: usize, mut ask: impl FnMut() -> Result<String>) -> Result<(String, Times)> {
    let (mut answer, mut times) = (ask()?, Vec::<Duration>::new());
    for _ in 0..count {
        let started = Instant::now();
        answer = ask()?;
        times.push(started.elapsed());
    }
    Ok((answer, Times::new(times)))
}

fn say(what: &str) {
    terminal::complain(&format!("measuring: {what}\n"));
}
