//! The run: one store after another, on each the parts that were asked for, in their order.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::{
    figures::{Figure, StoreFigures},
    floors::{disk, sql::Commits},
    helpers::Helpers,
    load,
    part::{Part, Size},
    parts::{attaches, creates, deletes, gets, lists, many, memory, placing, recovery, starts},
    progress::Progress,
    store::{Backing, Engine, each_second},
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
    /// Where servers of stores keep their files, which another user must get to.
    pub servers: &'a Path,
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
            figures.push(Figure::rate("4 KiB appended and synced, one after another", each_second(appends.median())));
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
        let backing = Backing::raise(engine, self.servers)?;
        let mut stage = Stage { run: self, backing: &backing, directory, figures: Vec::new(), volumes: Vec::new() };
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
    pub backing: &'a Backing,
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
        self.run.progress.say(&format!("{}: {what}", self.backing.engine().name()));
    }

    /// A service of its own for a part, in a directory of that name.
    ///
    /// # Errors
    /// The directory cannot be used.
    pub fn subject(&self, name: &str) -> Result<Subject<'a>> {
        Subject::prepare(self.run.programs, self.backing, &self.directory.join(name), self.run.stop)
    }

    /// What durable transactions of one client take on the engine, beside whatever uses it now.
    ///
    /// # Errors
    /// The engine is not there.
    pub fn commits(&self, count: usize) -> Result<Commits> {
        self.backing.commits(&self.directory, count, 1)
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
            for clients in self.backing.clients() {
                let commits = self.backing.commits(&self.directory, self.run.size.syncs, *clients)?;
                let name = format!("transactions of one row, durable, {clients} at once");
                self.figures.push(Figure::rate(name, commits.rate));
            }
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
