//! What volumes hold: seeded patterns, written and compared through the attach path, as a client would.

use ashlar_common::driver::{AccessMode, SnapshotRef, VolumeRef};

use crate::{
    outcome::{Held, Stop, ensure},
    stage::{Attached, Stage, refused},
};

/// Bytes that look like nothing else, the same for the same seed.
#[must_use]
pub fn pattern(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    fastrand::Rng::with_seed(seed).fill(&mut bytes);
    bytes
}

/// A content, continued by zeros to a length.
#[must_use]
pub fn with_zero_tail(content: &[u8], length: usize) -> Vec<u8> {
    let mut bytes = content.to_vec();
    bytes.resize(length.max(content.len()), 0);
    bytes
}

/// Compares without printing megabytes.
///
/// # Errors
/// They differ: where first, and with what.
pub fn same(what: &str, found: &[u8], expected: &[u8]) -> Held {
    // Whole slices are compared many times faster than byte by byte, and they are nearly always equal.
    if found == expected {
        return Ok(());
    }
    ensure(found.len() == expected.len(), || {
        format!("{what}: {} bytes were expected, {} are there", expected.len(), found.len())
    })?;
    let differs = found.iter().zip(expected).enumerate().find(|(_, (found, expected))| found != expected);
    match differs {
        None => Ok(()),
        Some((first, (found, expected))) => {
            Err(Stop::failed(format!("{what}: byte {first} should be {expected:#04x} and is {found:#04x}")))
        }
    }
}

impl Attached<'_> {
    /// Writes and makes durable.
    ///
    /// # Errors
    /// The client cannot.
    pub async fn write(&self, offset: u64, bytes: &[u8]) -> Held {
        let owned = bytes.to_vec();
        let written = self.on_thread(move |disk| disk.write_at(&owned, offset).and_then(|()| disk.sync())).await;
        written.map_err(|error| Stop::failed(format!("a client writes {} bytes at {offset}: {error}", bytes.len())))
    }

    /// Reads all there is.
    ///
    /// # Errors
    /// The client cannot.
    pub async fn read_all(&self) -> Held<Vec<u8>> {
        let read = self.on_thread(|disk| {
            let size = usize::try_from(disk.size()?).map_err(std::io::Error::other)?;
            let mut bytes = vec![0; size];
            disk.read_at(&mut bytes, 0)?;
            Ok(bytes)
        });
        read.await.map_err(|error| Stop::failed(format!("a client reads its volume: {error}")))
    }
}

impl Stage {
    /// Makes a volume that holds these bytes and nothing else.
    ///
    /// # Errors
    /// A step of it fails.
    pub async fn create_holding(&self, content: &[u8]) -> Held<VolumeRef> {
        let volume = self.create(content.len() as u64).await?;
        self.write(&volume, 0, content).await?;
        Ok(volume)
    }

    /// Attaches, writes, and detaches.
    ///
    /// # Errors
    /// A step of it fails.
    pub async fn write(&self, volume: &VolumeRef, offset: u64, bytes: &[u8]) -> Held {
        let disk = self.attach(volume).await?;
        disk.write(offset, bytes).await?;
        disk.detach().await
    }

    /// Attaches, reads all there is, and detaches.
    ///
    /// # Errors
    /// A step of it fails.
    pub async fn read(&self, volume: &VolumeRef) -> Held<Vec<u8>> {
        let disk = self.attach_as(volume, AccessMode::ReadOnly).await?;
        let bytes = disk.read_all().await?;
        disk.detach().await?;
        Ok(bytes)
    }

    /// The volume holds these bytes and nothing else.
    ///
    /// # Errors
    /// It holds others, or cannot be read.
    pub async fn holds(&self, what: &str, volume: &VolumeRef, expected: &[u8]) -> Held {
        same(what, &self.read(volume).await?, expected)
    }

    /// The snapshot holds these bytes and nothing else, as a volume made from it shows.
    ///
    /// # Errors
    /// It holds others, or no volume can be made from it.
    pub async fn snapshot_holds(&self, what: &str, snapshot: &SnapshotRef, expected: &[u8]) -> Held {
        let spec = self.spec(expected.len() as u64)?;
        let made = self.driver().await.create_from_snapshot(&self.ctx(), &spec, snapshot).await;
        made.map_err(|error| refused("create_from_snapshot", &error))?;
        self.holds(what, &spec.volume, expected).await?;
        self.delete(&spec.volume).await
    }
}
