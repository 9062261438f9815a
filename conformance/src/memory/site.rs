//! The in-memory driver as a subject of the suite.

use std::{io, sync::Arc, time::Duration};

use ashlar_common::{
    driver::{AccessMode, Capabilities, ConnectionInfo},
    ids::PoolName,
    stats::Provisioning,
};
use async_trait::async_trait;

use super::{backend::Backend, client::Client, driver::MemoryDriver, settings::Settings};
use crate::{
    claims::Claims,
    outcome::{Held, Stop},
    steps::Steps,
    subject::{Disk, Host, Life, Outage, Site, Slowness, Subject, ThinMetadata},
};

/// The in-memory driver with some settings.
#[derive(Clone, Debug)]
pub struct MemorySubject {
    name: String,
    settings: Settings,
}

/// A backend in memory, for one case.
#[derive(Clone, Debug)]
pub struct MemorySite {
    /// The backend.
    pub backend: Arc<Backend>,
}

struct MemoryLife {
    backend: Arc<Backend>,
    host: u64,
}

impl MemorySubject {
    /// Named as the reports show it.
    #[must_use]
    pub fn new(name: &str, settings: Settings) -> Self {
        Self { name: name.to_owned(), settings }
    }
}

impl MemorySite {
    /// An empty backend.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { backend: Arc::new(Backend::new(settings)) }
    }
}

#[async_trait]
impl Subject for MemorySubject {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn claims(&self) -> Claims {
        let all = self.settings.capable;
        let capabilities = Capabilities {
            multi_attach: all,
            online_extend: all,
            revert: all,
            manage: all,
            group_snapshots: all,
            qos: all,
            migrate: all,
            active_active: all,
        };
        let thick = self.settings.provisioning == Provisioning::Thick;
        Claims {
            capabilities,
            snapshot_attached: true,
            allocated_known: all,
            usage_known: true,
            thick,
            thin_metadata: !thick,
            cuts_off_open_clients: true,
            reached_apart: true,
        }
    }

    async fn raise(&self) -> Held<Box<dyn Site>> {
        Ok(Box::new(MemorySite::new(self.settings.clone())))
    }
}

#[async_trait]
impl Site for MemorySite {
    fn pool(&self) -> PoolName {
        self.backend.pool()
    }

    fn room(&self) -> u64 {
        self.backend.settings.room
    }

    async fn start(&self) -> Held<Host> {
        let driver = MemoryDriver::open(Arc::clone(&self.backend)).map_err(Stop::failed)?;
        let life = MemoryLife { backend: Arc::clone(&self.backend), host: driver.host() };
        Ok(Host { driver: Arc::new(driver), life: Box::new(life) })
    }

    async fn connect(&self, connection: &ConnectionInfo, mode: AccessMode) -> io::Result<Box<dyn Disk>> {
        Ok(Box::new(Client::connect(Arc::clone(&self.backend), connection, mode)?))
    }

    async fn exports(&self) -> io::Result<Vec<String>> {
        Ok(self.backend.exports())
    }

    async fn residue(&self) -> io::Result<Vec<String>> {
        Ok(self.backend.residue())
    }

    fn other_pool(&self) -> Option<PoolName> {
        self.backend.settings.capable.then(|| self.backend.other_pool())
    }

    fn outage(&self) -> Option<&dyn Outage> {
        Some(self)
    }

    fn slowness(&self) -> Option<&dyn Slowness> {
        Some(self)
    }

    fn thin_metadata(&self) -> Option<&dyn ThinMetadata> {
        (self.backend.settings.provisioning == Provisioning::Thin).then_some(self)
    }

    fn steps(&self) -> Option<&Steps> {
        Some(&self.backend.steps)
    }
}

#[async_trait]
impl Life for MemoryLife {
    async fn kill(&self) {
        self.backend.kill(self.host);
    }
}

#[async_trait]
impl Outage for MemorySite {
    async fn begin(&self) {
        self.backend.set_away(true);
    }

    async fn end(&self) {
        self.backend.set_away(false);
    }
}

#[async_trait]
impl Slowness for MemorySite {
    async fn begin(&self, by: Duration) {
        self.backend.set_slower_by(by);
    }

    async fn end(&self) {
        self.backend.set_slower_by(Duration::ZERO);
    }
}

#[async_trait]
impl ThinMetadata for MemorySite {
    async fn fill(&self) {
        self.backend.fill_metadata();
    }

    async fn release(&self) {
        self.backend.release_metadata();
    }
}
