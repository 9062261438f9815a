//! The run: one store after another, on each the parts that were asked for, in their order.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::{
    client::histogram::Histogram,
    figures::{Figure, StoreFigures},
    floors::{disk, sql},
    helpers::Helpers,
    load,
    part::{Part, Size},
    parts::{attaches, creates, deletes, gets, lists, many, memory, placing, recovery, starts},
    progress::Progress,
    store::Engine,
    subject::Subject,
};
use crate::{stop::Stop, up::programs::Programs};

/// What a run is given.
pub struct Run<'a> {
    /// What is measured.
    pub programs: &'a Programs,
    /// What measures, besides this program.
    pub helpers: &'a Helpers,
    /// Where everything is kept as long as it runs.
    pub directory: &'a Path,
    /// Which parts.
    pub parts: BTreeSet<Part>,
    /// How much of each.
    pub size: Size,
    /// Minutes of load whose memory is watched.
    pub soak: u64,
    /// Tells people.
    pub progress: Progress,
    /// Ends it early.
    pub stop: &'a Stop,
}

impl Run<'_> {
    /// What needs no service.
    ///
    /// # Errors
    /// The disk or the scheduler cannot be measured.
    pub fn machine(&self) -> Result<Vec<Figure>> {
        let mut figures = Vec::new();
        if self.parts.contains(&Part::Floor) {
            self.progress.say("synced writes");
            let appends = disk::appends(self.directory, self.size.syncs)?;
            figures.push(Figure::time("4 KiB appended and synced, p50", appends.median()));
            figures.push(Figure::rate("4 KiB appended and synced, one after another", each_second(&appends)));
            let files = disk::files(self.directory, self.size.syncs / 4)?;
            figures.push(Figure::time("a file made and renamed, all synced, p50", files.median()));
        }
        if self.parts.contains(&Part::Place) {
            self.progress.say("placing");
            figures.extend(placing::measure(self.helpers)?);
        }
        Ok(figures)
    }

    /// Everything over one store.
    ///
    /// # Errors
    /// The service does not do what it is measured at.
    pub fn store(&self, engine: Engine) -> Result<StoreFigures> {
        let directory = self.directory.join(engine.name().to_lowercase());
        std::fs::create_dir_all(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
        let mut stage = Stage { run: self, engine, directory, figures: Vec::new(), volumes: Vec::new() };
        stage.floor()?;
        stage.common()?;
        if stage.has(Part::Many) {
            many::measure(&mut stage)?;
        }
        if stage.has(Part::Recovery) {
            recovery::measure(&mut stage)?;
        }
        Ok(StoreFigures { store: engine, figures: stage.figures })
    }
}

/// One store's run.
pub struct Stage<'a> {
    /// All of it.
    pub run: &'a Run<'a>,
    /// The store.
    pub engine: Engine,
    /// Of this store's run.
    pub directory: PathBuf,
    /// What was measured so far.
    pub figures: Vec<Figure>,
    /// Volumes that are available, and whose backend has them.
    pub volumes: Vec<String>,
}

impl<'a> Stage<'a> {
    /// Whether a part was asked for.
    #[must_use]
    pub fn has(&self, part: Part) -> bool {
        self.run.parts.contains(&part)
    }

    /// Tells what the run is at.
    pub fn say(&self, what: &str) {
        self.run.progress.say(&format!("{}: {what}", self.engine.name()));
    }

    /// A service of its own for a part, in a directory of that name.
    ///
    /// # Errors
    /// The directory cannot be used.
    pub fn subject(&self, name: &str) -> Result<Subject<'a>> {
        Subject::prepare(self.run.programs, self.engine, &self.directory.join(name), self.run.stop)
    }

    /// Times of durable transactions on an engine that nothing else uses.
    ///
    /// # Errors
    /// The engine is not there.
    pub fn commits(&self, count: usize) -> Result<Histogram> {
        match self.engine {
            Engine::Sqlite => sql::sqlite(&self.directory, count),
        }
    }

    /// Sees to it that there are at least `count` volumes that the backend has too.
    ///
    /// # Errors
    /// The service does not make them.
    pub fn ensure_volumes(&mut self, subject: &Subject<'_>, count: usize) -> Result<()> {
        let missing = count.saturating_sub(self.volumes.len());
        if missing > 0 {
            self.say("making volumes to measure with");
            self.volumes.extend(load::create(subject.requests, missing, 16.min(missing), self.run.stop)?.ids);
        }
        Ok(())
    }

    fn floor(&mut self) -> Result<()> {
        if self.has(Part::Floor) {
            self.say("commits without a service");
            let commits = self.commits(self.run.size.syncs)?;
            self.figures.push(Figure::time("a transaction of one row, durable, p50", commits.median()));
            self.figures.push(Figure::rate("transactions of one row, one after another", each_second(&commits)));
        }
        Ok(())
    }

    /// The parts that share one service.
    fn common(&mut self) -> Result<()> {
        let parts = [Part::Start, Part::Create, Part::Get, Part::List, Part::Attach, Part::Delete, Part::Memory];
        if !parts.iter().any(|part| self.has(*part)) {
            return Ok(());
        }
        let mut subject = self.subject("common")?;
        subject.start()?;
        if self.has(Part::Start) {
            starts::measure(self, &mut subject)?;
        }
        subject.wait_ready()?;
        if self.has(Part::Memory) {
            memory::at_rest(self, &subject)?;
        }
        for (part, measure) in [
            (Part::Create, creates::measure as fn(&mut Self, &Subject<'_>) -> Result<()>),
            (Part::Get, gets::measure),
            (Part::List, lists::measure),
            (Part::Attach, attaches::measure),
            (Part::Memory, memory::measure),
            (Part::Delete, deletes::measure),
        ] {
            if self.has(part) {
                measure(self, &subject)?;
            }
        }
        subject.stop()
    }
}

/// As a rate, had one followed the other without a pause.
fn each_second(times: &Histogram) -> f64 {
    1.0 / times.median().as_secs_f64().max(1e-9)
}
