//! Places for volume groups: each has a number, and one process at a time.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use super::{
    configfs, device,
    tools::{self, run},
};
use crate::error::{Error, Result};

/// Below the system's temporary directory.
const FOLDER: &str = "ashlar-lab-lvm";
const LOCK: &str = "lock";
pub(super) const DISK: &str = "disk";
/// Says what is in it, when it is whole.
const SHAPE: &str = "shape";
/// There while what it is on may be broken or slow.
const UNWELL: &str = "unwell";
/// A machine that needs more has lost count.
const MOST: u32 = 64;

/// A place and the right to it.
#[derive(Debug)]
pub(super) struct Slot {
    number: u32,
    path: PathBuf,
    _lock: File,
}

impl Slot {
    /// One that nobody has: with what is wanted in it, or else with nothing.
    pub(super) fn take(shape: &str) -> Result<Self> {
        let mut empty = None;
        for number in 0..MOST {
            let Some(slot) = Self::of(number)? else { continue };
            match fs::read_to_string(slot.file(SHAPE)) {
                Ok(found) if found == shape => return Ok(slot),
                Err(_) if empty.is_none() => empty = Some(slot),
                Ok(_) | Err(_) => {}
            }
        }
        let why = "to have at most 64 volume groups at once; see the folder ashlar-lab-lvm for whose they are";
        empty.ok_or(Error::State(why))
    }

    /// What is in it, as was noted.
    pub(super) fn shape(&self) -> Option<String> {
        fs::read_to_string(self.file(SHAPE)).ok()
    }

    /// Notes what is in it.
    pub(super) fn note(&self, shape: &str) -> Result<()> {
        let file = self.file(SHAPE);
        fs::write(&file, shape).map_err(Error::io(format!("cannot write {}", file.display())))
    }

    /// Notes that what it is on is going to be broken or slow, or is well again.
    pub(super) fn note_unwell(&self, unwell: bool) -> Result<()> {
        let file = self.file(UNWELL);
        let noted = match unwell {
            true => fs::write(&file, ""),
            false => fs::remove_file(&file),
        };
        match noted {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            other => other.map_err(Error::io(format!("cannot change {}", file.display()))),
        }
    }

    /// Whether that may be so: whoever broke it may have been killed.
    pub(super) fn is_unwell(&self) -> bool {
        self.file(UNWELL).exists()
    }

    /// That one, if nobody has it.
    fn of(number: u32) -> Result<Option<Self>> {
        let path = folder().join(number.to_string());
        let made = || Error::io(format!("cannot make {}", path.display()));
        fs::create_dir_all(&path).map_err(made())?;
        let lock = File::create(path.join(LOCK)).map_err(made())?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Self { number, path, _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(made()(error)),
        }
    }

    /// The name of its volume group.
    pub(super) fn vg(&self) -> String {
        format!("ashlarlab{}", self.number)
    }

    /// The name of the device that its physical volume is on.
    pub(super) fn pv(&self) -> String {
        format!("ashlarlab-pv{}", self.number)
    }

    /// The device that its physical volume is on.
    pub(super) fn pv_path(&self) -> String {
        format!("/dev/mapper/{}", self.pv())
    }

    /// A file of it.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Its folder, which is also that of LVM's settings.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the bytes are.
    pub(super) fn disk(&self) -> PathBuf {
        self.path.join(DISK)
    }

    /// Removes all that is stacked on the volume group, the volume group, and what it is on, whatever state it is in.
    pub(super) fn take_down(&self) -> Result<()> {
        self.clear_stack()?;
        // What is left by name: volumes, then what they were on.
        device::remove_all(&format!("{}-", self.vg()))?;
        device::remove_all(&self.pv())?;
        let disk = self.disk();
        for device in loops(&disk)? {
            run("losetup", ["--detach", &device])?;
        }
        // Names that LVM would take for another's.
        let _was_not_there = fs::remove_dir_all(Path::new("/dev").join(self.vg()));
        for file in [DISK, "lvm.conf", SHAPE, UNWELL].map(|name| self.path.join(name)) {
            let _was_not_there = fs::remove_file(file);
        }
        Ok(())
    }

    /// Removes what others put on the volumes: sessions, targets, devices.
    pub(super) fn clear_stack(&self) -> Result<()> {
        let prefix = format!("ashlar-{}-", self.vg());
        let targets = configfs::targets_on(Path::new("/dev/mapper"), &prefix)?;
        for target in &targets {
            let gone = |args: [&str; 5]| drop(run("iscsiadm", args));
            gone(["--mode=node", "--targetname", target, "--logout", "--quiet"]);
            gone(["--mode=node", "--targetname", target, "--op=delete", "--quiet"]);
        }
        configfs::remove_on(Path::new("/dev/mapper"), &prefix)?;
        device::remove_all(&prefix)
    }

    /// Writes LVM's settings for it.
    pub(super) fn write_settings(&self) -> Result<()> {
        let file = self.path.join("lvm.conf");
        fs::write(&file, tools::settings(&self.pv_path()))
            .map_err(Error::io(format!("cannot write {}", file.display())))
    }
}

/// Those that nobody has.
pub(super) fn left() -> Result<Vec<Slot>> {
    let Ok(entries) = fs::read_dir(folder()) else { return Ok(Vec::new()) };
    let numbers = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.map(Slot::of).filter_map(Result::transpose).collect()
}

fn folder() -> PathBuf {
    std::env::temp_dir().join(FOLDER)
}

/// Loop devices on that file.
pub(super) fn loops(disk: &Path) -> Result<Vec<String>> {
    if !disk.exists() {
        return Ok(Vec::new());
    }
    let text = run("losetup", ["--noheadings", "--output=NAME", "--associated", &disk.to_string_lossy()])?;
    Ok(text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect())
}
