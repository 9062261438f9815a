//! A driver that is broken on purpose, as a subject of the suite.

use std::{io, sync::Arc};

use ashlar_common::{
    driver::{AccessMode, ConnectionInfo, Driver},
    ids::PoolName,
    stats::Provisioning,
};
use async_trait::async_trait;

use crate::{
    claims::Claims,
    memory::{Fault, MemorySite, MemorySubject, Settings},
    outcome::Held,
    steps::Steps,
    subject::{Disk, Host, Outage, Site, Slowness, Subject, ThinMetadata},
};

/// A driver that does one thing wrong.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// What it does wrong, as a name.
    pub name: &'static str,
    /// The number of the behaviour that it breaks: the case of that number must catch it.
    pub breaks: u8,
    /// The driver that it was made of.
    pub of: Base,
    /// How it is broken.
    pub how: How,
}

/// The driver that a mutant was made of: in memory, with a pool that works so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// With every capability, thin.
    Thin,
    /// With every capability, thick.
    Thick,
    /// Thin, and without any capability.
    Plain,
}

/// How a mutant is broken.
#[derive(Clone, Copy, Debug)]
pub enum How {
    /// In its calls.
    Around(fn(Arc<dyn Driver>) -> Arc<dyn Driver>),
    /// In its backend, where no call reaches.
    Below(Fault),
}

/// The site of a mutant: each host that starts has its driver wrapped.
struct MutantSite {
    site: MemorySite,
    how: How,
}

impl Base {
    /// The honest driver's settings.
    #[must_use]
    pub fn settings(self) -> Settings {
        match self {
            Self::Thin => Settings::new(Provisioning::Thin),
            Self::Thick => Settings::new(Provisioning::Thick),
            Self::Plain => Settings { capable: false, ..Settings::new(Provisioning::Thin) },
        }
    }
}

impl Mutant {
    /// A mutant of the thin driver that is broken in its calls.
    pub(super) const fn around(breaks: u8, name: &'static str, wrap: fn(Arc<dyn Driver>) -> Arc<dyn Driver>) -> Self {
        Self { name, breaks, of: Base::Thin, how: How::Around(wrap) }
    }

    /// A mutant of the thin driver that is broken below.
    pub(super) const fn below(breaks: u8, name: &'static str, fault: Fault) -> Self {
        Self { name, breaks, of: Base::Thin, how: How::Below(fault) }
    }

    /// The same, made of another driver.
    pub(super) const fn of(self, of: Base) -> Self {
        Self { of, ..self }
    }

    fn settings(&self) -> Settings {
        let fault = match self.how {
            How::Around(_) => None,
            How::Below(fault) => Some(fault),
        };
        Settings { fault, ..self.of.settings() }
    }
}

#[async_trait]
impl Subject for Mutant {
    fn name(&self) -> String {
        format!("mutant-{}", self.name.replace('_', "-"))
    }

    fn claims(&self) -> Claims {
        MemorySubject::new(self.name, self.settings()).claims()
    }

    async fn raise(&self) -> Held<Box<dyn Site>> {
        Ok(Box::new(MutantSite { site: MemorySite::new(self.settings()), how: self.how }))
    }
}

#[async_trait]
impl Site for MutantSite {
    fn pool(&self) -> PoolName {
        self.site.pool()
    }

    fn room(&self) -> u64 {
        self.site.room()
    }

    async fn start(&self) -> Held<Host> {
        let Host { driver, life } = self.site.start().await?;
        let driver = match self.how {
            How::Around(wrap) => wrap(driver),
            How::Below(_) => driver,
        };
        Ok(Host { driver, life })
    }

    async fn connect(&self, connection: &ConnectionInfo, mode: AccessMode) -> io::Result<Box<dyn Disk>> {
        self.site.connect(connection, mode).await
    }

    async fn exports(&self) -> io::Result<Vec<String>> {
        self.site.exports().await
    }

    async fn residue(&self) -> io::Result<Vec<String>> {
        self.site.residue().await
    }

    fn other_pool(&self) -> Option<PoolName> {
        self.site.other_pool()
    }

    fn outage(&self) -> Option<&dyn Outage> {
        self.site.outage()
    }

    fn slowness(&self) -> Option<&dyn Slowness> {
        self.site.slowness()
    }

    fn thin_metadata(&self) -> Option<&dyn ThinMetadata> {
        self.site.thin_metadata()
    }

    fn steps(&self) -> Option<&Steps> {
        self.site.steps()
    }
}
