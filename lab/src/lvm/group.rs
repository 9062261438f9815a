//! A volume group as tests have it: whose it is, how long, and what is done to it.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use super::{
    made::Made,
    shape::{Shape, State, ThinPool},
    stack,
};
use crate::{
    error::{Error, Result},
    folder::Folder,
};

/// Below the directory for temporary files.
const FOLDER: &str = "ashlar-lab-lvm";
const STANDING: &str = "standing-";
/// In a standing group's folder: locked while it is used.
const USED: &str = "used";
/// For another process to be done with a standing group.
const TURN_LIMIT: Duration = Duration::from_secs(600);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A real volume group. With the value goes all that is stacked on it, and unless it stands, itself.
#[derive(Debug)]
pub struct VolumeGroup {
    made: Made,
    whose: Whose,
}

#[derive(Debug)]
enum Whose {
    /// This process's.
    Own(Folder),
    /// One process's after another; the lock is held while the value lives.
    Standing(#[expect(dead_code, reason = "held, not read")] File),
}

impl VolumeGroup {
    /// Raises one for this process alone, and takes down those whose processes are gone.
    ///
    /// # Errors
    /// The kernel has no device-mapper, LVM refuses the shape, or what an earlier process left cannot be removed.
    pub fn raise(shape: Shape) -> Result<Self> {
        stack::is_possible()?;
        let within = within();
        for left in Folder::leftovers(&within)? {
            Made::take_down(left.path())?;
            left.remove()?;
        }
        let folder = Folder::make(&within)?;
        let drawn = folder.path().file_name().and_then(|name| name.to_str()?.rsplit('-').next()).unwrap_or("group");
        let name = shape.name.clone().unwrap_or_else(|| format!("lab{drawn}"));
        match Made::make(folder.path(), name, shape) {
            Ok(made) => Ok(Self { made, whose: Whose::Own(folder) }),
            Err(error) => {
                // The first error is the one to tell.
                let _found_by_the_next = Made::take_down(folder.path()).and_then(|()| folder.remove());
                Err(error)
            }
        }
    }

    /// One that stands for all processes of this kernel, so that its making is paid once. Until the value ends nobody else has
    /// it, and at first there is nothing on it but its pool. Its blocks are used ones: a fresh volume may find old bytes, as
    /// on any disk.
    ///
    /// # Errors
    /// As [`Self::raise`]; or another process has it for minutes.
    pub fn standing(shape: Shape) -> Result<Self> {
        stack::is_possible()?;
        let path = within().join(format!("{STANDING}{}", shape.key()));
        let made = || Error::io(format!("cannot make {}", path.display()));
        fs::create_dir_all(&path).map_err(made())?;
        let used = File::create(path.join(USED)).map_err(made())?;
        lock(&used, &path)?;
        let name = shape.name.clone().unwrap_or_else(|| format!("lab-{}", shape.key()));
        let clean = Made::find(&path, &name, &shape).filter(|made| made.clean().is_ok());
        let made = match clean {
            Some(made) => made,
            None => {
                Made::take_down(&path)?;
                Made::make(&path, name, shape)?
            }
        };
        Ok(Self { made, whose: Whose::Standing(used) })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.made.name
    }

    /// Its physical volume.
    #[must_use]
    pub fn device(&self) -> &Path {
        &self.made.device
    }

    /// The name of its thin pool, if it has one.
    #[must_use]
    pub fn pool(&self) -> Option<&'static str> {
        self.made.shape.thin.map(|_| ThinPool::NAME)
    }

    /// Runs one command of LVM's, which sees this group only.
    ///
    /// # Errors
    /// It failed.
    pub fn lvm(&self, words: &[&str]) -> Result<String> {
        self.made.lvm()?.run(words)
    }

    /// Has its disk do something else. Its shape has to be [`super::Disk::Mapped`].
    ///
    /// # Errors
    /// It is not, or device-mapper refuses.
    pub fn disk(&self, state: State) -> Result<()> {
        self.made.set(state)
    }

    /// Has the pool's metadata be full: it takes no new volume and no new block.
    ///
    /// # Errors
    /// There is no pool, or it is never full.
    pub fn exhaust_metadata(&self) -> Result<()> {
        self.made.exhaust_metadata()
    }

    /// What is on it besides its pool, a line for each: volumes, and what is stacked on them.
    ///
    /// # Errors
    /// LVM cannot be asked.
    pub fn residue(&self) -> Result<Vec<String>> {
        self.made.residue()
    }
}

impl Drop for VolumeGroup {
    fn drop(&mut self) {
        let _found_by_the_next = match &self.whose {
            Whose::Own(folder) => Made::take_down(folder.path()).and_then(|()| folder.remove()),
            Whose::Standing(_) => self.made.clear(),
        };
    }
}

/// Takes down every group of this kernel that nobody uses, also those that stand.
///
/// # Errors
/// One cannot be.
pub fn sweep() -> Result<()> {
    let within = within();
    for left in Folder::leftovers(&within)? {
        Made::take_down(left.path())?;
        left.remove()?;
    }
    for entry in fs::read_dir(&within).into_iter().flatten().flatten() {
        let path = entry.path();
        let stands = entry.file_name().as_encoded_bytes().starts_with(STANDING.as_bytes());
        if stands && File::create(path.join(USED)).is_ok_and(|used| used.try_lock().is_ok()) {
            Made::take_down(&path)?;
            fs::remove_dir_all(&path).map_err(Error::io(format!("cannot remove {}", path.display())))?;
        }
    }
    Ok(())
}

fn within() -> PathBuf {
    std::env::temp_dir().join(FOLDER)
}

fn lock(used: &File, path: &Path) -> Result<()> {
    let deadline = Instant::now() + TURN_LIMIT;
    loop {
        match used.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(LOOK_AGAIN),
            Err(TryLockError::WouldBlock) => {
                let what = format!("waiting for the volume group of {}", path.display());
                return Err(Error::TooLong { what, limit: TURN_LIMIT, said: String::new() });
            }
            Err(TryLockError::Error(error)) => return Err(Error::io("cannot lock a volume group")(error)),
        }
    }
}
