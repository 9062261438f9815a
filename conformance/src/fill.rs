//! Pools that are full, and have room again.

use std::{
    io,
    time::{Duration, Instant},
};

use ashlar_common::driver::{Kind, VolumeRef, VolumeSpec};

use crate::{
    answers::refuses,
    contents::pattern,
    outcome::{Held, Stop, ensure},
    stage::{Stage, refused},
};

/// Into so many volumes goes what the pool can hold at most.
const PIECES: u64 = 8;
/// What a client writes at a time.
const CHUNK: usize = 4 << 20;
/// A full backend may hold writes back instead of refusing them. A client that waits for so long has met the end.
const HELD_BACK: Duration = Duration::from_secs(10);
/// Backends may free room some time after the call that gave it back.
const FREED_WITHIN: Duration = Duration::from_secs(30);
const FREED_LOOK: Duration = Duration::from_millis(100);

/// A pool that took as much as it can.
pub struct Full {
    /// Volumes whose every byte is written, in the order they were made, each by its own seed of [`Stage::piece`].
    pub whole: Vec<VolumeRef>,
    /// The volume that could not be written to its end; none where the pool is thick.
    pub part: Option<VolumeRef>,
    /// What was refused for want of room; none where the pool took it, and then not its bytes.
    pub refused: Option<VolumeSpec>,
}

impl Stage {
    /// How large the volumes are that [`Stage::fill`] makes: a part of the room, and no whole number of blocks.
    #[must_use]
    pub fn piece_size(&self) -> u64 {
        self.site.room() / PIECES + 512
    }

    /// The bytes of one of them.
    ///
    /// # Errors
    /// This machine cannot hold so much.
    pub fn piece(&self, number: usize) -> Held<Vec<u8>> {
        let size = usize::try_from(self.piece_size()).map_err(Stop::failed)?;
        Ok(pattern(self.seed.wrapping_add(1_000 + number as u64), size))
    }

    /// Makes volumes and writes all their bytes until the pool has no room.
    ///
    /// # Errors
    /// The pool takes more than it can hold, or a thick volume cannot be written.
    pub async fn fill(&self) -> Held<Full> {
        let mut full = Full { whole: Vec::new(), part: None, refused: None };
        for number in 0..=usize::try_from(PIECES).map_err(Stop::failed)? {
            let spec = self.spec(self.piece_size())?;
            if let Err(error) = self.driver().await.create(&self.ctx(), &spec).await {
                refuses("create in a pool that is filling up", Err::<(), _>(error), &[Kind::OutOfSpace])?;
                full.refused = Some(spec);
                return Ok(full);
            }
            match self.write_out(&spec.volume, &self.piece(number)?).await? {
                Ok(()) => full.whole.push(spec.volume),
                Err(error) if self.claims.thick => {
                    return Err(Stop::failed(format!("a thick volume cannot be written to its end: {error}")));
                }
                Err(_full) => {
                    full.part = Some(spec.volume);
                    return Ok(full);
                }
            }
        }
        let (room, size) = (self.site.room(), self.piece_size());
        Err(Stop::failed(format!("a pool with room for {room} bytes took {} volumes of {size}", full.whole.len())))
    }

    /// Removes what [`Stage::fill`] made, and waits until the pool takes a whole volume again.
    ///
    /// # Errors
    /// It does not.
    pub async fn empty(&self, full: Full) -> Held {
        for volume in full.whole.iter().chain(&full.part) {
            self.delete(volume).await?;
        }
        let begun = Instant::now();
        loop {
            let Some(seen) = self.try_piece().await? else { return Ok(()) };
            ensure(begun.elapsed() < FREED_WITHIN, || {
                format!("all volumes were deleted {} s ago, and there is no room: {seen}", FREED_WITHIN.as_secs())
            })?;
            tokio::time::sleep(FREED_LOOK).await;
        }
    }

    /// Whether a volume can be made and written; if not, why.
    async fn try_piece(&self) -> Held<Option<String>> {
        let spec = self.spec(self.piece_size())?;
        match self.driver().await.create(&self.ctx(), &spec).await {
            Ok(_) => {}
            Err(error) if error.kind() == Kind::OutOfSpace => return Ok(Some(error.to_string())),
            Err(error) => return Err(refused("create in a pool that was emptied", &error)),
        }
        let bytes = self.piece(0)?;
        let written = self.write_out(&spec.volume, &bytes).await?;
        if written.is_ok() {
            self.holds("a volume in a pool that was emptied", &spec.volume, &bytes).await?;
        }
        self.delete(&spec.volume).await?;
        Ok(written.err().map(|error| error.to_string()))
    }

    /// Writes all these bytes as a client, or as many as there is room for: the inner result is what the client saw.
    async fn write_out(&self, volume: &VolumeRef, bytes: &[u8]) -> Held<io::Result<()>> {
        let disk = self.attach(volume).await?;
        let mut written = Ok(());
        for (number, chunk) in bytes.chunks(CHUNK).enumerate() {
            let (chunk, at) = (chunk.to_vec(), (number * CHUNK) as u64);
            let write = disk.on_thread(move |disk| disk.write_at(&chunk, at).and_then(|()| disk.sync()));
            written = match tokio::time::timeout(HELD_BACK, write).await {
                Ok(written) => written,
                Err(_held_back) => Err(io::ErrorKind::TimedOut.into()),
            };
            if written.is_err() {
                break;
            }
        }
        disk.detach().await?;
        Ok(written)
    }
}
