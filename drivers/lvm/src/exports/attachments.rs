//! The attachments of one volume group.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ashlar_common::{
    chain::chain,
    driver::{AccessMode, AttachmentSpec, Classified, ConnectionInfo, Detach, Kind, OpCtx, Outcome},
    ids::{AttachmentId, VolumeId},
    units::ByteCount,
};
use ashlar_targets::{Export, ExportName, Target};
use serde_json::{Map, Value, json};

use super::{
    device::Devices,
    hold::Hold,
    options::ExportOptions,
    record::{Record, Records},
    way::Way,
};
use crate::{
    dm::{self, Device, Dm, Linear},
    error::Error,
    locks::{self, Key, Locked, Locks},
};

/// What an attachment leads to.
#[derive(Clone, Debug)]
pub struct Backing {
    /// The logical volume's device.
    pub device: PathBuf,
    /// Its exact size.
    pub size: ByteCount,
}

/// The exports of one volume group.
#[derive(Debug)]
pub struct Exports {
    vg: String,
    options: ExportOptions,
    devices: Devices,
    records: Records,
    known: Mutex<BTreeMap<AttachmentId, Record>>,
    /// One call a volume at a time.
    locks: Locks,
    /// One call a volume in the kernel at a time: one that was given up at its deadline still goes on there.
    kernel: Locks,
}

impl Exports {
    /// Reads what is recorded below `state`; changes nothing but that it makes its directory there.
    ///
    /// # Errors
    /// Options that cannot be, a target that the kernel lacks, a record that cannot be read.
    pub async fn open(ctx: &OpCtx, options: &ExportOptions, state: &Path, vg: &str) -> Result<Self, Error> {
        options.check(vg)?;
        let devices = Devices::of(vg)?;
        let path = state.join("attachments");
        let (records, known) = ctx
            .blocking(move |_| {
                let records = Records::at(path)?;
                let known = records.read()?;
                Ok((records, known))
            })
            .await?;
        let (locks, kernel) = (Locks::default(), Locks::default());
        Ok(Self {
            vg: vg.to_owned(),
            options: options.clone(),
            devices,
            records,
            known: Mutex::new(known),
            locks,
            kernel,
        })
    }

    /// Makes what the records say and removes what they do not: after a crash, and after a start of the machine. Devices
    /// that a dead host held back go on first. An export that cannot be made now is told of, and made when its attachment is
    /// asked for again.
    ///
    /// # Errors
    /// When what is there cannot be seen.
    pub async fn restore(&self, ctx: &OpCtx, volumes: &BTreeMap<VolumeId, Backing>) -> Result<(), Error> {
        let there = self.devices.all(ctx).await?;
        let held: Vec<_> = there.iter().filter(|(device, _)| device.suspended).map(|(d, _)| d.name.clone()).collect();
        self.devices.dm().resume(ctx, &held).await?;
        let records = self.records.clone();
        ctx.blocking(move |_| Ok(records.sweep()?)).await?;
        self.remove_unknown(ctx, &there).await?;
        let known: Vec<_> = self.known().values().cloned().collect();
        for record in known {
            let done = match volumes.get(&record.volume) {
                Some(backing) => self.make(ctx, &record, backing).await.map(drop),
                None => {
                    tracing::warn!(attachment = %record.attachment, volume = %record.volume, "its volume is gone: removed");
                    self.take_down(ctx, &record).await.map(drop)
                }
            };
            if let Err(error) = done {
                let why = chain(&error);
                tracing::error!(attachment = %record.attachment, volume = %record.volume, why, "an export cannot be restored");
            }
        }
        Ok(())
    }

    /// Lets one client reach a volume, as the contract's `attach`.
    ///
    /// # Errors
    /// Of the contract. What fails is taken back again.
    pub async fn attach(
        &self,
        ctx: &OpCtx,
        volume: VolumeId,
        backing: &Backing,
        spec: &AttachmentSpec,
        most: u32,
    ) -> Result<Outcome<ConnectionInfo>, Error> {
        let _locked = self.lock(ctx, &[volume]).await?;
        let asked = Record::new(volume, spec, self.options.way_for(spec)?)?;
        let found = self.known().get(&spec.id).cloned();
        if let Some(found) = found {
            found.check_same(&asked)?;
            let (connection, _) = self.make(ctx, &found, backing).await?;
            // Whoever looked has seen the attachment since it is recorded, also where its export was not made yet.
            return Ok(Outcome::Unchanged(connection));
        }
        let others = self.attachments(volume);
        if let Some(first) = others.first().filter(|_| others.len() >= usize::try_from(most).unwrap_or(usize::MAX)) {
            return Err(Error::InUse { name: format!("volume {volume}"), by: format!("attachment {first}") });
        }
        Linear::over(&backing.device, backing.size, false)?;
        self.write(ctx, &asked).await?;
        match self.make(ctx, &asked, backing).await {
            Ok((connection, _)) => Ok(Outcome::Changed(connection)),
            // It may still be on its way: the record stays, and with it the way to find it.
            Err(error) if error.kind() == Kind::Indeterminate => Err(error),
            Err(error) => Err(self.give_up(ctx, &asked, error).await),
        }
    }

    /// Ends attachments, as the contract's `detach`: cuts clients off, then leaves nothing.
    ///
    /// # Errors
    /// What could not be removed is still recorded, and the call may be repeated.
    pub async fn detach(&self, ctx: &OpCtx, volume: VolumeId, which: Detach) -> Result<Outcome<()>, Error> {
        let _locked = self.lock(ctx, &[volume]).await?;
        let of_volume = |record: &&Record| record.volume == volume;
        let meant: Vec<_> = match which {
            Detach::One(id) => self.known().get(&id).filter(of_volume).cloned().into_iter().collect(),
            Detach::All => self.known().values().filter(of_volume).cloned().collect(),
        };
        for record in &meant {
            self.take_down(ctx, record).await?;
        }
        Ok(if meant.is_empty() { Outcome::Unchanged(()) } else { Outcome::Changed(()) })
    }

    /// Shows the clients of a volume that it has grown.
    ///
    /// # Errors
    /// Some may see it and others not; the call may be repeated.
    pub async fn resize(&self, ctx: &OpCtx, volume: VolumeId, backing: &Backing) -> Result<(), Error> {
        let _locked = self.lock(ctx, &[volume]).await?;
        for record in self.of(volume) {
            self.device(ctx, &record, backing).await?;
        }
        Ok(())
    }

    /// The attachments of a volume, ordered by id.
    #[must_use]
    pub fn attachments(&self, volume: VolumeId) -> Vec<AttachmentId> {
        self.of(volume).iter().map(|record| record.attachment).collect()
    }

    /// Has the writes of all clients of these volumes wait; those under way end first.
    ///
    /// # Errors
    /// None waits then.
    pub async fn hold(&self, ctx: &OpCtx, volumes: &[VolumeId]) -> Result<Hold, Error> {
        let locked = self.lock(ctx, volumes).await?;
        let names = volumes.iter().flat_map(|volume| self.attachments(*volume));
        let names = names.map(|attachment| self.devices.name(attachment)).collect();
        Hold::of(ctx, self.devices.dm(), names, locked).await
    }

    async fn make(&self, ctx: &OpCtx, record: &Record, backing: &Backing) -> Result<(ConnectionInfo, bool), Error> {
        let (device, mut changed) = self.device(ctx, record, backing).await?;
        let Some(target) = record.way.target(&self.vg)? else { return Ok((local(record, &device), changed)) };
        let export = export(record, &device)?;
        let connection = target.connection(&export);
        changed |= self.in_kernel(ctx, record.volume, move || target.ensure(&export)).await?;
        Ok((connection, changed))
    }

    async fn device(&self, ctx: &OpCtx, record: &Record, backing: &Backing) -> Result<(Device, bool), Error> {
        let linear = Linear::over(&backing.device, backing.size, record.mode == AccessMode::ReadOnly)?;
        self.devices.ensure(ctx, record.attachment, &linear).await
    }

    /// Clients first, the record last.
    async fn take_down(&self, ctx: &OpCtx, record: &Record) -> Result<(), Error> {
        if let Some(target) = record.way.target(&self.vg)? {
            self.withdraw(ctx, record.volume, target, ExportName(record.attachment)).await?;
        }
        self.devices.remove(ctx, record.attachment).await?;
        let (records, attachment) = (self.records.clone(), record.attachment);
        ctx.blocking(move |_| Ok(records.remove(attachment)?)).await?;
        self.known().remove(&attachment);
        Ok(())
    }

    async fn give_up(&self, ctx: &OpCtx, record: &Record, error: Error) -> Error {
        match self.take_down(ctx, record).await {
            // Nothing is broken and nothing was changed, whatever the step said.
            Ok(()) if error.kind() == Kind::Fatal => {
                Error::Setup(format!("attachment {} cannot be made now: {}", record.attachment, chain(&error)))
            }
            Ok(()) => error,
            Err(_) => error.midway(format!("attachment {}", record.attachment)),
        }
    }

    async fn remove_unknown(&self, ctx: &OpCtx, there: &[(Device, Option<AttachmentId>)]) -> Result<(), Error> {
        let mut ways: Vec<Way> = vec![self.options.way(None)];
        ways.extend(self.known().values().map(|record| record.way.clone()));
        let known: Vec<_> = self.known().keys().copied().collect();
        for way in ways {
            let Some(target) = way.target(&self.vg)? else { continue };
            let listing = Arc::clone(&target);
            // No volume is meant: an id that is none keeps these calls apart from others.
            let nobody = VolumeId::new();
            for name in self.in_kernel(ctx, nobody, move || listing.list()).await? {
                if !known.contains(&name.0) {
                    tracing::warn!(export = %name, "no attachment accounts for it: removed");
                    self.withdraw(ctx, nobody, Arc::clone(&target), name).await?;
                }
            }
        }
        for attachment in there.iter().filter_map(|(_, attachment)| *attachment).filter(|id| !known.contains(id)) {
            tracing::warn!(%attachment, "no attachment accounts for its device: removed");
            self.devices.remove(ctx, attachment).await?;
        }
        Ok(())
    }

    async fn withdraw(
        &self,
        ctx: &OpCtx,
        volume: VolumeId,
        target: Arc<dyn Target>,
        name: ExportName,
    ) -> Result<bool, Error> {
        self.in_kernel(ctx, volume, move || target.withdraw(name)).await
    }

    /// What may block in the kernel, on a thread of its own; given up at the deadline, but never run over by another.
    async fn in_kernel<T, F>(&self, ctx: &OpCtx, volume: VolumeId, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, ashlar_targets::Error> + Send + 'static,
    {
        let turn = self.kernel.lock(ctx, [(Key::Volume(volume), locks::Hold::Alone)]).await?;
        let task = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        });
        match ctx.bounded(task).await? {
            Ok(done) => done.map_err(Error::target),
            Err(panic) => Err(Error::Damaged(format!("setting up a target panicked: {panic}"))),
        }
    }

    async fn write(&self, ctx: &OpCtx, record: &Record) -> Result<(), Error> {
        let (records, written) = (self.records.clone(), record.clone());
        ctx.blocking(move |_| Ok(records.write(&written)?)).await?;
        self.known().insert(record.attachment, record.clone());
        Ok(())
    }

    async fn lock(&self, ctx: &OpCtx, volumes: &[VolumeId]) -> Result<Locked, Error> {
        self.locks.lock(ctx, volumes.iter().map(|volume| (Key::Volume(*volume), locks::Hold::Alone))).await
    }

    fn of(&self, volume: VolumeId) -> Vec<Record> {
        self.known().values().filter(|record| record.volume == volume).cloned().collect()
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<AttachmentId, Record>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn export(record: &Record, device: &Device) -> Result<Export, Error> {
    let client = record.client.as_deref().unwrap_or_default().parse().map_err(Error::target)?;
    Ok(Export {
        name: ExportName(record.attachment),
        volume: record.volume,
        device: Dm::path(&device.name),
        mode: record.mode,
        client,
        credentials: record.way.credentials().cloned(),
        discard: dm::discards(&device.number),
    })
}

/// For a client on this machine, in os-brick's words.
fn local(record: &Record, device: &Device) -> ConnectionInfo {
    let mut data = Map::new();
    let mut tell = |key: &str, value: Value| data.insert(key.to_owned(), value);
    tell("device_path", json!(Dm::path(&device.name)));
    tell("volume_id", json!(record.volume));
    tell("access_mode", json!(if record.mode == AccessMode::ReadOnly { "ro" } else { "rw" }));
    tell("discard", json!(dm::discards(&device.number)));
    tell("encrypted", json!(false));
    tell("qos_specs", Value::Null);
    ConnectionInfo { driver_volume_type: "local".to_owned(), data }
}
