//! What a driver's team gives to the suite: its driver on a backend that can be filled, broken and thrown away.

use std::{io, sync::Arc, time::Duration};

use ashlar_common::{
    driver::{AccessMode, ConnectionInfo, Connector, Driver},
    ids::PoolName,
};
use async_trait::async_trait;

use crate::{claims::Claims, outcome::Held, stage::SETTLE_LIMIT, steps::Steps, suite::CASE_LIMIT};

/// Of [`Subject::interruptions_within`], where nothing else is said.
const INTERRUPTIONS: Duration = Duration::from_secs(60);

/// A driver with a kind of backend: `local on ext4`.
#[async_trait]
pub trait Subject: Send + Sync {
    /// Its name in reports: letters, digits and `-`; unique in a test binary.
    fn name(&self) -> String;

    /// What the driver can do there.
    fn claims(&self) -> Claims;

    /// How long a case may take, after which it counts as hanging. Longer where each call starts programs on a slow machine.
    fn case_limit(&self) -> Duration {
        CASE_LIMIT
    }

    /// How long calls may be interrupted at one instant after another, in each of the cases that do; each kind of call
    /// is interrupted at least once, however long that takes. Shorter where several subjects share their calls.
    fn interruptions_within(&self) -> Duration {
        INTERRUPTIONS
    }

    /// A fresh, empty backend for one case. Taken down when dropped, also by a panic.
    ///
    /// # Errors
    /// `NotRun` where the backend cannot be had here, with what is missing.
    async fn raise(&self) -> Held<Box<dyn Site>>;
}

/// One backend, for one case.
#[async_trait]
pub trait Site: Send + Sync {
    /// A pool to make volumes on.
    fn pool(&self) -> PoolName;

    /// How many bytes the pool can really hold, at most. A few hundred mebibytes, or cases that fill it take too long.
    fn room(&self) -> u64;

    /// Starts a host: the driver on this backend, as after a start of the machine. Several may be up at a time.
    ///
    /// # Errors
    /// The driver does not open.
    async fn start(&self) -> Held<Host>;

    /// What a client of this site says of itself when it wants to reach a volume.
    fn connector(&self) -> Connector {
        let host = ("host".to_owned(), "client".into());
        Connector([host].into_iter().collect())
    }

    /// Reaches a volume as a client would, by what `attach` told and nothing else.
    ///
    /// # Errors
    /// It cannot be reached, which is what a client sees of fencing.
    async fn connect(&self, connection: &ConnectionInfo, mode: AccessMode) -> io::Result<Box<dyn Disk>>;

    /// What a client could reach now, asked of the backend itself, not of the driver: exports, targets, links.
    ///
    /// # Errors
    /// The backend cannot be asked.
    async fn exports(&self) -> io::Result<Vec<String>>;

    /// What lies on the backend that no volume, snapshot or attachment accounts for: half-made and half-removed things.
    ///
    /// # Errors
    /// The backend cannot be asked.
    async fn residue(&self) -> io::Result<Vec<String>>;

    /// What sizes of volumes are multiples of, in bytes: 512 where volumes are block devices. A divisor of [`Site::room`].
    fn unit(&self) -> u64 {
        1
    }

    /// How long the backend may take to clear away and to count, after a call that has ended.
    fn settles_within(&self) -> Duration {
        SETTLE_LIMIT
    }

    /// Another pool of the same backend, where there is one: needed where the driver can migrate.
    fn other_pool(&self) -> Option<PoolName> {
        None
    }

    /// A way to cut the driver off from its backend and back, where the site has one.
    fn outage(&self) -> Option<&dyn Outage> {
        None
    }

    /// A way to make the backend slow, where the site has one.
    fn slowness(&self) -> Option<&dyn Slowness> {
        None
    }

    /// The driver's effects one by one, where the site can stop it between them.
    fn steps(&self) -> Option<&Steps> {
        None
    }

    /// A way to use up the metadata of a thin pool, where the pool has such a thing.
    fn thin_metadata(&self) -> Option<&dyn ThinMetadata> {
        None
    }
}

/// A running driver.
pub struct Host {
    /// Its calls.
    pub driver: Arc<dyn Driver>,
    /// The process or task that answers them.
    pub life: Box<dyn Life>,
}

/// The life of a host.
#[async_trait]
pub trait Life: Send + Sync {
    /// Ends it at once, wherever it is, as `kill -9` does. Calls that are under way fail or never answer.
    async fn kill(&self);
}

/// A volume as a client has it. Blocking calls, as a block device's are: the suite makes them on threads of their own.
pub trait Disk: Send + Sync {
    /// Its size in bytes, as the client sees it now.
    ///
    /// # Errors
    /// It is not reachable any more.
    fn size(&self) -> io::Result<u64>;

    /// Fills `into` from `offset` on.
    ///
    /// # Errors
    /// It is not reachable any more, or ends before.
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<()>;

    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    /// It is not reachable any more, ends before, or is read-only.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Makes what was written durable.
    ///
    /// # Errors
    /// It is not reachable any more.
    fn sync(&self) -> io::Result<()>;

    /// Gives back the room of a range; its bytes may be anything afterwards.
    ///
    /// # Errors
    /// It is not reachable any more. Where the volume cannot do it, nothing happens and that is well.
    fn discard(&self, offset: u64, length: u64) -> io::Result<()>;
}

/// Cuts the driver off from its backend.
#[async_trait]
pub trait Outage: Send + Sync {
    /// From now on the backend cannot be reached.
    async fn begin(&self);
    /// It can be reached again.
    async fn end(&self);
}

/// Makes the backend slow.
#[async_trait]
pub trait Slowness: Send + Sync {
    /// From now on, calls that change something take so much longer.
    async fn begin(&self, by: Duration);
    /// They take what they took.
    async fn end(&self);
}

/// Uses up the metadata of a thin pool.
#[async_trait]
pub trait ThinMetadata: Send + Sync {
    /// From now on there is none left.
    async fn fill(&self);
    /// There is some again.
    async fn release(&self);
}
