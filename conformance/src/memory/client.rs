//! A volume as a client has it: every read and write shows its token to the backend.

use std::{
    io::{self, ErrorKind},
    sync::{Arc, PoisonError},
    thread,
    time::{Duration, Instant},
};

use ashlar_common::driver::{AccessMode, ConnectionInfo, capability::Limits};

use super::{
    attachments::{PROTOCOL, TOKEN},
    backend::Backend,
    bucket::Bucket,
    disk::Disk as Bytes,
    disk::lock,
    faults::Fault,
    room::Full,
};
use crate::subject::Disk;

/// A client that waits for its turn looks this often whether its limits were lifted.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// The buckets of a volume's limits, in use since its limits were set.
#[derive(Debug, Default)]
pub(super) struct Buckets {
    read_iops: Option<Bucket>,
    write_iops: Option<Bucket>,
    read_bytes: Option<Bucket>,
    write_bytes: Option<Bucket>,
}

/// What a client does, for its limits.
#[derive(Clone, Copy)]
enum Cost {
    Nothing,
    Read(u64),
    Write(u64),
}

impl Buckets {
    pub(super) fn new(limits: &Limits, now: Instant) -> Self {
        let bucket = |rate: Option<std::num::NonZeroU64>| rate.map(|rate| Bucket::new(rate.get(), now));
        Self {
            read_iops: bucket(limits.read_iops),
            write_iops: bucket(limits.write_iops),
            read_bytes: bucket(limits.read_bytes),
            write_bytes: bucket(limits.write_bytes),
        }
    }

    /// Takes what it costs, or tells how long to wait first.
    fn take(&mut self, cost: Cost, now: Instant) -> Result<(), Duration> {
        let (iops, bytes, length) = match cost {
            Cost::Nothing => return Ok(()),
            Cost::Read(length) => (&mut self.read_iops, &mut self.read_bytes, length),
            Cost::Write(length) => (&mut self.write_iops, &mut self.write_bytes, length),
        };
        let waits = [&*iops, &*bytes].map(|bucket| bucket.as_ref().map_or(Duration::ZERO, |bucket| bucket.wait(now)));
        let wait = waits.into_iter().max().unwrap_or_default();
        if !wait.is_zero() {
            return Err(wait);
        }
        for (bucket, cost) in [(iops, 1), (bytes, length)] {
            if let Some(bucket) = bucket {
                bucket.take(cost, now);
            }
        }
        Ok(())
    }
}

/// A client's hold on a volume.
pub(super) struct Client {
    backend: Arc<Backend>,
    token: String,
    mode: AccessMode,
}

impl Client {
    /// Shows the token for the first time.
    pub(super) fn connect(backend: Arc<Backend>, connection: &ConnectionInfo, mode: AccessMode) -> io::Result<Self> {
        let token = connection.data.get(TOKEN).and_then(serde_json::Value::as_str);
        let (PROTOCOL, Some(token)) = (connection.driver_volume_type.as_str(), token) else {
            return Err(io::Error::new(ErrorKind::InvalidInput, "not a connection to a volume in memory"));
        };
        let client = Self { backend, token: token.to_owned(), mode };
        client.size()?;
        Ok(client)
    }

    /// Lets the backend do something with the bytes, if the token is good for it and the limits allow it now.
    fn attempt<T>(
        &self,
        cost: Cost,
        work: impl FnOnce(&mut Bytes) -> io::Result<T>,
    ) -> io::Result<Result<T, Duration>> {
        let state = self.backend.state();
        let export = state.exports.get(&self.token).or_else(|| {
            let opens = self.backend.settings.broken(Fault::OldTokensOpen);
            state.ended.get(&self.token).filter(|_| opens)
        });
        let found = export.and_then(|export| Some((export.mode, state.volumes.get(&export.volume)?)));
        let Some((mode, volume)) = found else {
            return Err(io::Error::new(ErrorKind::PermissionDenied, "the token opens no volume"));
        };
        let read_only = [self.mode, mode].contains(&AccessMode::ReadOnly);
        if let (Cost::Write(_), true) = (cost, read_only) {
            return Err(io::Error::new(ErrorKind::ReadOnlyFilesystem, "attached to read only"));
        }
        let taken = volume.buckets.lock().unwrap_or_else(PoisonError::into_inner).take(cost, Instant::now());
        match taken {
            Ok(()) => work(&mut lock(&volume.disk)).map(Ok),
            Err(wait) => Ok(Err(wait)),
        }
    }

    /// The same, after the wait that the limits ask for.
    fn perform<T>(&self, cost: Cost, mut work: impl FnMut(&mut Bytes) -> io::Result<T>) -> io::Result<T> {
        loop {
            match self.attempt(cost, &mut work)? {
                Ok(done) => return Ok(done),
                Err(wait) => thread::sleep(wait.min(LOOK_AGAIN)),
            }
        }
    }
}

impl Disk for Client {
    fn size(&self) -> io::Result<u64> {
        self.perform(Cost::Nothing, |disk| Ok(disk.size()))
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<()> {
        self.perform(Cost::Read(into.len() as u64), |disk| {
            within(disk, offset, into.len())?;
            disk.read_at(into, offset);
            Ok(())
        })
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.perform(Cost::Write(bytes.len() as u64), |disk| {
            within(disk, offset, bytes.len())?;
            disk.write_at(bytes, offset).map_err(|Full| io::Error::new(ErrorKind::StorageFull, "the pool is full"))
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.perform(Cost::Nothing, |_| Ok(()))
    }

    fn discard(&self, offset: u64, length: u64) -> io::Result<()> {
        let reaches = self.backend.settings.broken(Fault::DiscardReachesSharers);
        let before = self.perform(Cost::Write(0), |disk| {
            let before = if reaches { Some(disk.without_room()) } else { None };
            disk.discard(offset, length);
            Ok(before)
        })?;
        if let Some(Ok(before)) = before {
            self.backend.state().discard_sharers(&before, offset, length);
        }
        Ok(())
    }
}

fn within(disk: &Bytes, offset: u64, length: usize) -> io::Result<()> {
    match offset.checked_add(length as u64) {
        Some(end) if end <= disk.size() => Ok(()),
        _ => Err(io::Error::new(ErrorKind::UnexpectedEof, format!("the volume ends at byte {}", disk.size()))),
    }
}
