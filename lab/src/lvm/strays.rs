//! What belongs to no volume, and stays where somebody was killed while attaching, exporting or taking down.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{VolumeGroup, configfs::entries, device, slot::DISK};
use crate::error::Result;

const SESSIONS: &str = "/sys/class/iscsi_session";
const TARGETS: &str = "/sys/kernel/config/target/iscsi";
const BACKSTORES: &str = "/sys/kernel/config/target/core";
/// open-iscsi's, which distributions have at the one place or the other.
const RECORDS: [&str; 2] = ["/etc/iscsi/nodes", "/var/lib/iscsi/nodes"];
const DEVICES: &str = "/sys/block";

impl VolumeGroup {
    /// What lies in the kernel, in open-iscsi's records and on loop devices, and is of none of its volumes, in words. Nothing
    /// is attached or exported meanwhile.
    ///
    /// # Errors
    /// It cannot be asked.
    pub fn strays(&self) -> Result<Vec<String>> {
        let (vg, folder) = (self.name(), self.settings());
        // Also what LVM hides, which it shows in brackets.
        let text = self.lvm(&[&format!("lvs --all --noheadings --options lv_name {vg}")])?;
        let volumes: Vec<String> = text.lines().map(|line| line.trim().trim_matches(['[', ']']).to_owned()).collect();
        let mut found = of_targets(vg);
        found.extend(devices(vg, &device::names()?, &volumes));
        found.extend(loops(folder, &[format!("{vg}-"), format!("ashlar-{vg}-")], &folder.join(DISK)));
        Ok(found)
    }
}

/// Of targets of volume group `vg`, in words: sessions of this machine, records of them, targets also without a unit,
/// backstores also without a target.
fn of_targets(vg: &str) -> Vec<String> {
    // As Ashlar names them: `<prefix>:<volume group>:<attachment>`.
    let part = format!(":{vg}:");
    let sessions = entries(Path::new(SESSIONS)).into_iter();
    let sessions = sessions.filter_map(|session| fs::read_to_string(session.join("targetname")).ok());
    let sessions = sessions.filter(|target| target.contains(&part)).map(|target| format!("session {}", target.trim()));
    let named = |folders: &[&str], what: &'static str| {
        let found = folders.iter().flat_map(|folder| entries(Path::new(folder))).map(|path| name(&path));
        found.filter(|name| name.contains(&part)).map(|name| format!("{what} {name}")).collect::<Vec<_>>()
    };
    let stores = entries(Path::new(BACKSTORES)).into_iter().flat_map(|adapter| entries(&adapter));
    let stores = stores.map(|path| name(&path)).filter(|name| name.starts_with(&format!("ashlar-{vg}-")));
    let stores = stores.map(|name| format!("backstore {name}"));
    sessions.chain(named(&[TARGETS], "target")).chain(named(&RECORDS, "record")).chain(stores).collect()
}

/// Among the device-mapper devices of these names, those of volume group `vg` that are of no volume.
fn devices(vg: &str, names: &[String], volumes: &[String]) -> Vec<String> {
    let is_of_none = |name: &&String| volume(vg, name).is_some_and(|volume| !volumes.contains(&volume));
    names.iter().filter(is_of_none).map(|name| format!("device {name}")).collect()
}

/// Loop devices on what lies below `folder`, or on devices whose names begin with one of `prefixes`; not that on `disk`.
fn loops(folder: &Path, prefixes: &[String], disk: &Path) -> Vec<String> {
    let devices = entries(Path::new(DEVICES)).into_iter();
    let backed = devices.filter_map(|device| {
        let on = PathBuf::from(fs::read_to_string(device.join("loop/backing_file")).ok()?.trim());
        let is_on = on.starts_with(folder) || prefixes.iter().any(|prefix| name(&on).starts_with(prefix));
        (is_on && on != disk).then(|| format!("loop device {} on {}", name(&device), on.display()))
    });
    backed.collect()
}

/// The logical volume that LVM made a device for: dashes within names are doubled, and a layer's name follows a single
/// one, as in `vg-volume--1-real`.
fn volume(vg: &str, device: &str) -> Option<String> {
    let rest = device.strip_prefix(vg)?.strip_prefix('-')?.replace("--", "\0");
    Some(rest.split('-').next()?.replace('\0', "-"))
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::devices;

    #[test]
    fn a_device_is_that_of_a_volume_also_where_it_is_a_layer_of_it() {
        let names = ["vg-volume--1", "vg-volume--1-real", "vg-snap--1-cow", "vg2-x", "ashlar-vg-x", "vg-gone--1"];
        let names = names.map(str::to_owned);
        let volumes = ["volume-1", "snap-1"].map(str::to_owned);
        assert_eq!(devices("vg", &names, &volumes), ["device vg-gone--1"]);
    }
}
