//! Device-mapper devices by name.

use std::{fs, thread, time::Duration};

use super::tools::{run, tool};
use crate::error::{Error, Result};

/// What is stacked on what is not known, so all are tried as often as there may be layers.
const LAYERS: u32 = 8;
const LIMIT: Duration = Duration::from_secs(60);

/// The names of those that are there, as the kernel has them.
pub(super) fn names() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir("/sys/block").map_err(Error::io("cannot list /sys/block"))?.flatten() {
        let name = fs::read_to_string(entry.path().join("dm/name"));
        names.extend(name.ok().map(|name| name.trim().to_owned()));
    }
    names.sort();
    Ok(names)
}

/// Makes one with this table.
pub(super) fn create(name: &str, table: &str) -> Result<()> {
    tool("dmsetup")?.arguments(["create", "--readahead=none", name]).input(table).run(LIMIT).map(drop)
}

/// Puts another table in the place of what it has. Requests that wait are failed or go on with the new one.
pub(super) fn exchange(name: &str, table: &str) -> Result<()> {
    // Not flushed: what it is on may hang.
    run("dmsetup", ["suspend", "--noflush", "--nolockfs", name])?;
    let loaded = tool("dmsetup")?.arguments(["load", name]).input(table).run(LIMIT);
    run("dmsetup", ["resume", "--readahead=none", name])?;
    loaded.map(drop)
}

/// Removes all whose names begin so. Those that are open get a table of errors first, so that whoever has them lets go.
pub(super) fn remove_all(prefix: &str) -> Result<()> {
    for layer in 0..LAYERS {
        let found: Vec<String> = names()?.into_iter().filter(|name| name.starts_with(prefix)).collect();
        if found.is_empty() {
            return Ok(());
        }
        for name in &found {
            if layer > 0 {
                let _still_in_use = run("dmsetup", ["wipe_table", "--noflush", "--nolockfs", name]);
            }
            let _still_in_use = run("dmsetup", ["remove", name]);
        }
        if layer > 1 {
            thread::sleep(Duration::from_millis(200));
        }
    }
    let left: Vec<String> = names()?.into_iter().filter(|name| name.starts_with(prefix)).collect();
    let what = format!("device-mapper devices stay in use: {}", left.join(", "));
    Err(Error::Io { what, source: std::io::ErrorKind::ResourceBusy.into() })
}
