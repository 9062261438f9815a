//! What the figures were measured on.

use std::{fmt, path::Path};

use anyhow::{Context, Result};
use serde::Serialize;

/// A machine, as far as it matters.
#[derive(Debug, Serialize)]
pub struct Machine {
    /// Its processor's name.
    pub processor: String,
    /// Threads that run at once.
    pub cores: usize,
    /// In bytes.
    pub memory: u64,
    /// The type of that which holds the volumes.
    pub file_system: String,
    /// The kernel's release.
    pub kernel: String,
    /// How many threads wanted to run in the minute before.
    pub load: f64,
}

impl Machine {
    /// This machine; `directory` will hold the volumes.
    ///
    /// # Errors
    /// The system does not say.
    pub fn read(directory: &Path) -> Result<Self> {
        let text = |path: &str| std::fs::read_to_string(path).with_context(|| format!("cannot read {path}"));
        let (processor, memory, mounts) = (text("/proc/cpuinfo")?, text("/proc/meminfo")?, text("/proc/self/mounts")?);
        Ok(Self {
            processor: field(&processor, "model name").unwrap_or("unnamed processor").to_owned(),
            cores: std::thread::available_parallelism()?.get(),
            memory: kib(field(&memory, "MemTotal")).context("/proc/meminfo has no MemTotal")? << 10,
            file_system: file_system(&mounts, &directory.canonicalize()?).unwrap_or("unknown").to_owned(),
            load: load(&text("/proc/loadavg")?).context("/proc/loadavg has no number")?,
            kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { processor, cores, memory, file_system, kernel, load } = self;
        write!(
            f,
            "Measured on {processor}, {cores} cores, {} GiB of memory, {file_system}, Linux {kernel}; load before {load:.1}.",
            memory.div_ceil(1 << 30)
        )
    }
}

/// The first `name : value` of a file below `/proc`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let fields = text.lines().filter_map(|line| line.split_once(':'));
    fields.filter(|(found, _)| found.trim() == name).map(|(_, value)| value.trim()).next()
}

fn load(text: &str) -> Option<f64> {
    text.split(' ').next()?.parse().ok()
}

fn kib(value: Option<&str>) -> Option<u64> {
    value?.strip_suffix(" kB")?.parse().ok()
}

/// The type of the innermost mount that holds `path`; of two at the same place the later is on top.
fn file_system<'a>(mounts: &'a str, path: &Path) -> Option<&'a str> {
    let mounts = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        Some((Path::new(words.next()?), words.next()?))
    });
    let holding = mounts.filter(|(point, _)| path.starts_with(point));
    holding.max_by_key(|(point, _)| point.components().count()).map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{field, file_system, kib};

    #[test]
    fn the_innermost_mount_counts() {
        let mounts = "/dev/a / ext4 rw 0 0\n/dev/b /srv xfs rw 0 0\n/dev/c /srv/volumes btrfs rw 0 0\n";
        let kind = |path: &str| file_system(mounts, Path::new(path));
        assert_eq!(kind("/srv/volumes/one"), Some("btrfs"));
        assert_eq!(kind("/srv/volumes2"), Some("xfs"));
        assert_eq!(kind("/home"), Some("ext4"));
    }

    #[test]
    fn fields_are_found_with_any_room_around_them() {
        let text = "processor\t: 0\nmodel name\t: Abacus 9\nMemTotal:   42 kB\n";
        assert_eq!(field(text, "model name"), Some("Abacus 9"));
        assert_eq!(kib(field(text, "MemTotal")), Some(42));
        assert_eq!(field(text, "name"), None);
    }
}
