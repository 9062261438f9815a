//! What a case works with: a host on a fresh backend, and the usual steps, each of which fails the case in plain words.

use std::{future::Future, sync::Arc, time::Duration};

use ashlar_common::{
    driver::{
        AccessMode, AttachmentSpec, Capabilities, Detach, Driver, Error, OpCtx, Outcome, Snapshot, SnapshotRef, Volume,
        VolumeRef, VolumeSpec,
    },
    ids::{AttachmentId, OpId, SnapshotId, VolumeId},
    units::ByteCount,
};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::{
    claims::Claims,
    outcome::{Held, Stop, ensure},
    subject::{Disk, Host, Site, Subject},
};

/// A call that has not answered by then is a failure: no case needs so long.
const CALL_LIMIT: Duration = Duration::from_secs(60);

/// How long to wait before something is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(20);
/// How long a backend may take to clear away what was removed or given up, unless its site knows better: longer than the
/// 30 s after which file systems usually commit.
pub const SETTLE_LIMIT: Duration = Duration::from_secs(40);

/// A fresh backend with a host on it.
pub struct Stage {
    /// The backend.
    pub site: Box<dyn Site>,
    /// What the driver is said to be able to do.
    pub claims: Claims,
    /// Picks what is left to chance; the same in each run of the same seed.
    pub seed: u64,
    subject: Arc<dyn Subject>,
    host: Mutex<Arc<Host>>,
}

/// A volume that is attached, with its attachment.
pub struct Attached<'s> {
    stage: &'s Stage,
    /// The volume.
    pub volume: VolumeRef,
    /// The attachment.
    pub attachment: AttachmentId,
    disk: Arc<dyn Disk>,
}

/// Asks again and again until it holds, at most for so long; what did not hold in the end is the failure.
///
/// # Errors
/// It does not come to hold.
pub async fn eventually<T, F: Future<Output = Held<T>>>(limit: Duration, ask: impl Fn() -> F) -> Held<T> {
    let deadline = tokio::time::Instant::now() + limit;
    loop {
        match ask().await {
            Err(Stop::Failed(_)) if tokio::time::Instant::now() < deadline => tokio::time::sleep(ASK_AGAIN).await,
            settled => return settled,
        }
    }
}

/// A driver's error where the case expected none.
pub(crate) fn refused(what: &str, error: &Error) -> Stop {
    Stop::Failed(format!("{what}: {}: {error}", error.kind()))
}

impl Stage {
    /// Raises a fresh backend of the subject, and starts a host on it.
    ///
    /// # Errors
    /// The backend cannot be had, or the driver does not open.
    pub async fn raise(subject: &Arc<dyn Subject>, seed: u64) -> Held<Self> {
        let site = subject.raise().await?;
        let host = Mutex::new(Arc::new(site.start().await?));
        Ok(Self { site, claims: subject.claims(), seed, subject: Arc::clone(subject), host })
    }

    /// Another stage like this one: a case that plays many times has a fresh backend for each.
    ///
    /// # Errors
    /// As [`Stage::raise`].
    pub async fn another(&self) -> Held<Self> {
        Self::raise(&self.subject, self.seed).await
    }

    /// The subject's name.
    #[must_use]
    pub fn subject(&self) -> String {
        self.subject.name()
    }

    /// The host's driver.
    pub async fn driver(&self) -> Arc<dyn Driver> {
        Arc::clone(&self.host.lock().await.driver)
    }

    /// Kills the host and starts another.
    ///
    /// # Errors
    /// The driver does not open again.
    pub async fn restart(&self) -> Held {
        let mut host = self.host.lock().await;
        host.life.kill().await;
        *host = Arc::new(self.site.start().await?);
        Ok(())
    }

    /// Has another host in place of this one, which lives on.
    pub async fn hand_over(&self, to: Host) -> Arc<Host> {
        std::mem::replace(&mut *self.host.lock().await, Arc::new(to))
    }

    /// A context with the usual limit.
    #[must_use]
    pub fn ctx(&self) -> OpCtx {
        OpCtx::new(OpId::new(), CALL_LIMIT, CancellationToken::new())
    }

    /// So many bytes or the least more that a volume may have here.
    #[must_use]
    pub fn whole(&self, size: usize) -> usize {
        size.next_multiple_of(self.unit())
    }

    /// The same of a part of the room.
    #[must_use]
    pub fn whole_bytes(&self, size: u64) -> u64 {
        size.next_multiple_of(self.site.unit().max(1))
    }

    /// [`Site::unit`](crate::subject::Site::unit).
    #[must_use]
    pub fn unit(&self) -> usize {
        usize::try_from(self.site.unit()).unwrap_or(1).max(1)
    }

    /// What to make a new volume of so many bytes.
    ///
    /// # Errors
    /// No volume has so many.
    pub fn spec(&self, size: u64) -> Held<VolumeSpec> {
        let size = ByteCount::new(size).map_err(Stop::failed)?;
        let volume = VolumeRef { id: VolumeId::new(), pool: self.site.pool() };
        Ok(VolumeSpec { volume, size, extra_specs: std::collections::BTreeMap::new() })
    }

    /// Makes an empty volume.
    ///
    /// # Errors
    /// The driver refuses, or says that it was there.
    pub async fn create(&self, size: u64) -> Held<VolumeRef> {
        let spec = self.spec(size)?;
        match self.driver().await.create(&self.ctx(), &spec).await {
            Ok(Outcome::Changed(_)) => Ok(spec.volume),
            Ok(Outcome::Unchanged(_)) => Err(Stop::failed("a new volume was made, and the answer is `unchanged`")),
            Err(error) => Err(refused("create", &error)),
        }
    }

    /// Removes a volume that is there.
    ///
    /// # Errors
    /// The driver refuses, or says that it was not there.
    pub async fn delete(&self, volume: &VolumeRef) -> Held {
        match self.driver().await.delete(&self.ctx(), volume).await {
            Ok(Outcome::Changed(())) => Ok(()),
            Ok(Outcome::Unchanged(())) => Err(Stop::failed("a volume was removed, and the answer is `unchanged`")),
            Err(error) => Err(refused("delete", &error)),
        }
    }

    /// Takes a snapshot.
    ///
    /// # Errors
    /// The driver refuses.
    pub async fn snapshot(&self, volume: &VolumeRef) -> Held<SnapshotRef> {
        let snapshot = SnapshotRef { id: SnapshotId::new(), volume: volume.clone() };
        let taken = self.driver().await.create_snapshot(&self.ctx(), &snapshot).await;
        let Snapshot { snapshot, .. } = taken.map_err(|error| refused("create_snapshot", &error))?.into_inner();
        Ok(snapshot)
    }

    /// What the backend holds of a volume.
    ///
    /// # Errors
    /// The driver cannot tell.
    pub async fn inspect(&self, volume: &VolumeRef) -> Held<Option<Volume>> {
        self.driver().await.inspect(&self.ctx(), volume).await.map_err(|error| refused("inspect", &error))
    }

    /// A new attachment of a client of the site.
    #[must_use]
    pub fn attachment(&self, mode: AccessMode) -> AttachmentSpec {
        AttachmentSpec { id: AttachmentId::new(), connector: self.site.connector(), mode }
    }

    /// Attaches a volume to read and write, and connects to it as a client.
    ///
    /// # Errors
    /// The driver refuses, or the client cannot reach it.
    pub async fn attach(&self, volume: &VolumeRef) -> Held<Attached<'_>> {
        self.attach_as(volume, AccessMode::ReadWrite).await
    }

    /// The same, in a mode.
    ///
    /// # Errors
    /// The driver refuses, or the client cannot reach it.
    pub async fn attach_as(&self, volume: &VolumeRef, mode: AccessMode) -> Held<Attached<'_>> {
        let spec = self.attachment(mode);
        let made = self.driver().await.attach(&self.ctx(), volume, &spec).await;
        let connection = made.map_err(|error| refused("attach", &error))?.into_inner();
        let disk = self.site.connect(&connection, mode).await;
        let disk = disk.map_err(|error| Stop::failed(format!("a client cannot reach what was attached: {error}")))?;
        Ok(Attached { stage: self, volume: volume.clone(), attachment: spec.id, disk: disk.into() })
    }
}

impl Attached<'_> {
    /// The size that the client sees.
    ///
    /// # Errors
    /// It does not reach the volume any more.
    pub async fn size(&self) -> Held<u64> {
        self.on_thread(|disk| disk.size())
            .await
            .map_err(|error| Stop::failed(format!("the client asks for the size: {error}")))
    }

    /// Lets the client do something, on a thread where it may block.
    ///
    /// # Errors
    /// What the client saw.
    pub async fn on_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Disk) -> std::io::Result<T> + Send + 'static,
    ) -> std::io::Result<T> {
        let disk = Arc::clone(&self.disk);
        tokio::task::spawn_blocking(move || work(disk.as_ref())).await.unwrap_or_else(|error| Err(error.into()))
    }

    /// Lets go of the volume, and ends the attachment.
    ///
    /// # Errors
    /// The driver refuses.
    pub async fn detach(self) -> Held {
        let Self { stage, volume, attachment, disk } = self;
        drop(disk);
        let ended = stage.driver().await.detach(&stage.ctx(), &volume, Detach::One(attachment)).await;
        ended.map(drop).map_err(|error| refused("detach", &error))
    }
}

impl Stage {
    /// After how long no more instants of a change are tried than one, where calls take long.
    pub(crate) fn interruptions_within(&self) -> Duration {
        self.subject.interruptions_within()
    }

    /// What every case asks before it begins: the driver can do what is claimed, no less and no more.
    ///
    /// # Errors
    /// It cannot, or can more.
    pub async fn claims_hold(&self) -> Held {
        let found = Capabilities::of(self.driver().await.as_ref());
        let claimed = self.claims.capabilities;
        ensure(found == claimed, || format!("the driver is said to be capable of {claimed:?}, and says {found:?}"))?;
        // What a site can do to its backend, the driver must claim to live with, or the case for it would not be played.
        let silent = |has: bool, claimed: bool, what| {
            ensure(!has || claimed, || format!("the site has {what}, and nothing of it is claimed"))
        };
        silent(self.site.outage().is_some(), self.claims.reached_apart, "a way to cut the backend off")?;
        silent(self.site.thin_metadata().is_some(), self.claims.thin_metadata, "thin metadata")?;
        silent(self.site.other_pool().is_some(), claimed.migrate, "another pool to migrate to")
    }

    /// The same, for what another host or a call that was given up may still be clearing away.
    ///
    /// # Errors
    /// It does not go away.
    pub async fn becomes_tidy(&self) -> Held {
        eventually(self.site.settles_within(), || self.is_tidy()).await
    }

    /// What every case leaves: nothing half done, and no export but those of attachments.
    ///
    /// # Errors
    /// There is something.
    pub async fn is_tidy(&self) -> Held {
        let residue = self.site.residue().await;
        let residue = residue.map_err(|error| Stop::failed(format!("the backend cannot be looked at: {error}")))?;
        ensure(residue.is_empty(), || format!("left behind: {}", residue.join(", ")))
    }
}
