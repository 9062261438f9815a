//! What the disk takes for what must survive a power loss.

use std::{
    fs::File,
    io::Write,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow};

use crate::bench::client::histogram::Histogram;

static MADE: AtomicU64 = AtomicU64::new(0);
const BLOCK: [u8; 4096] = [b'x'; 4096];

/// Times of appending 4 KiB to a file and syncing its data, which is what a durable commit cannot go without.
///
/// # Errors
/// The directory cannot be used.
pub fn appends(directory: &Path, count: usize) -> Result<Histogram> {
    let path = directory.join("appended");
    let mut file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    let mut times = Histogram::default();
    for _ in 0..count {
        let started = Instant::now();
        file.write_all(&BLOCK)?;
        file.sync_data()?;
        times.record(started.elapsed());
    }
    std::fs::remove_file(&path)?;
    Ok(times)
}

/// Times of making a sparse file of 1 GiB the safe way: made beside, synced, renamed, its directory synced.
///
/// The files stay until the run's directory goes: ext4 without a journal looks at every file deleted in the last seconds
/// before it makes one, and whoever makes files after this would pay for it.
///
/// # Errors
/// The directory cannot be used.
pub fn files(directory: &Path, count: usize) -> Result<Histogram> {
    let staged = directory.join("staged");
    let mut times = Histogram::default();
    for _ in 0..count {
        let started = Instant::now();
        let file = File::create(&staged).with_context(|| format!("cannot write {}", staged.display()))?;
        file.set_len(1 << 30)?;
        file.sync_all()?;
        std::fs::rename(&staged, directory.join(format!("made-{}", MADE.fetch_add(1, Ordering::Relaxed))))?;
        File::open(directory)?.sync_all()?;
        times.record(started.elapsed());
    }
    Ok(times)
}

/// How long so many threads take to make `count` such files together, each in a directory of its own.
///
/// # Errors
/// The directory cannot be used.
pub fn files_together(directory: &Path, count: usize, threads: usize) -> Result<Duration> {
    let folders: Vec<_> = (0..threads).map(|number| directory.join(format!("together-{number}"))).collect();
    for folder in &folders {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let started = Instant::now();
    std::thread::scope(|scope| {
        let makers: Vec<_> = folders.iter().map(|own| scope.spawn(|| files(own, count / threads))).collect();
        makers.into_iter().try_for_each(|maker| maker.join().map_err(|_| anyhow!("a maker failed"))?.map(drop))
    })?;
    Ok(started.elapsed())
}

#[cfg(test)]
mod tests {
    use super::{appends, files, files_together};

    #[test]
    fn floors_are_above_nothing_and_delete_no_file_that_was_made() {
        let folder = tempfile::tempdir().unwrap();
        for times in [appends(folder.path(), 2).unwrap(), files(folder.path(), 2).unwrap()] {
            assert_eq!(times.count(), 2);
            assert!(times.median().as_nanos() > 0);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
        assert!(files_together(folder.path(), 4, 2).unwrap().as_nanos() > 0);
        assert_eq!(std::fs::read_dir(folder.path().join("together-1")).unwrap().count(), 2);
    }
}
