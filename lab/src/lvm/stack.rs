//! Takes down all that is stacked on a device, whatever state it is in.

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rustix::mount::{UnmountFlags, unmount};

use super::{
    node, targets,
    tools::{dmsetup, losetup},
};
use crate::error::{Error, Result};

/// For who still has a device open, as a program that was just killed.
const LIMIT: Duration = Duration::from_secs(20);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Removes what is above `name` (`loop0`, `dm-3`), but not what is called so in `kept`.
pub(super) fn clear(name: &str, kept: &[String]) -> Result<()> {
    let is_kept = |node: &String| node::mapped_name(node).is_some_and(|name| kept.contains(&name));
    let above: Vec<String> = node::above(name).into_iter().filter(|node| !is_kept(node)).collect();
    if above.is_empty() {
        return Ok(());
    }
    // What waits for a suspended device goes on, or could not be ended.
    for node in above.iter().rev().filter(|node| node::is_suspended(node)) {
        if let Some(name) = node::mapped_name(node) {
            dmsetup(["resume", name.as_str()])?;
        }
    }
    unmount_all(&above);
    targets::remove_using(&above)?;
    let deadline = Instant::now() + LIMIT;
    loop {
        let left: Vec<String> = node::above(name).into_iter().filter(|node| !is_kept(node)).collect();
        let mut fault = None;
        for node in &left {
            fault = remove(node).err().or(fault);
        }
        match fault {
            None if left.is_empty() => return Ok(()),
            None => {}
            Some(fault) if Instant::now() > deadline => return Err(fault),
            Some(_) => thread::sleep(LOOK_AGAIN),
        }
    }
}

fn remove(node: &str) -> Result<()> {
    match node::mapped_name(node) {
        // By force: reads and writes that wait fail, where they would wait for ever.
        Some(name) => dmsetup(["remove", "--force", name.as_str()]).map(drop),
        None if node.starts_with("loop") => losetup(["--detach", &format!("/dev/{node}")]).map(drop),
        None => Ok(()),
    }
}

fn unmount_all(devices: &[String]) {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let mounted = mounts.lines().rev().filter_map(|line| {
        let mut words = line.split(' ');
        let (device, at) = (words.next()?, words.next()?);
        devices.contains(&node::name_of(Path::new(device))?).then(|| at.replace("\\040", " "))
    });
    for at in mounted {
        let _gone_with_the_device = unmount(at.as_str(), UnmountFlags::DETACH);
    }
}

/// The error for a kernel that cannot do any of this.
pub(super) fn is_possible() -> Result<()> {
    if Path::new("/dev/mapper/control").exists() && Path::new("/dev/loop-control").exists() {
        return Ok(());
    }
    Err(Error::NoDeviceMapper)
}
