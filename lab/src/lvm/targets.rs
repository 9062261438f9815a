//! iSCSI targets of this kernel, and sessions with them, as far as they use given devices.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{node, tools::iscsiadm};
use crate::error::{Error, Result};

const CORE: &str = "/sys/kernel/config/target/core";
const ISCSI: &str = "/sys/kernel/config/target/iscsi";
const SESSIONS: &str = "/sys/class/iscsi_session";

/// Backstores, each with the device it is on.
pub(super) fn backstores() -> Vec<(PathBuf, Option<String>)> {
    let adapters = folders(Path::new(CORE)).into_iter().filter(|path| !path.ends_with("alua"));
    let stores = adapters.flat_map(|adapter| folders(&adapter));
    let on = |store: &Path| {
        let path = fs::read_to_string(store.join("udev_path")).unwrap_or_default();
        node::name_of(Path::new(path.trim()))
    };
    stores.filter(|store| store.join("udev_path").exists()).map(|store| (store.clone(), on(&store))).collect()
}

/// The targets that there are.
pub(super) fn targets() -> Vec<PathBuf> {
    folders(Path::new(ISCSI)).into_iter().filter(|path| !path.ends_with("discovery_auth")).collect()
}

/// The sessions of this kernel as an initiator, each with its target's name.
pub(super) fn sessions() -> Vec<(String, String)> {
    let named = |path: PathBuf| {
        let name = fs::read_to_string(path.join("targetname")).ok()?;
        let session = path.file_name()?.to_str()?.strip_prefix("session")?.to_owned();
        Some((session, name.trim().to_owned()))
    };
    folders(Path::new(SESSIONS)).into_iter().filter_map(named).collect()
}

/// Ends sessions, targets and backstores that use any of `devices`.
pub(super) fn remove_using(devices: &[String]) -> Result<()> {
    let uses = |on: &Option<String>| on.as_ref().is_some_and(|on| devices.contains(on));
    let stores: Vec<PathBuf> = backstores().into_iter().filter(|(_, on)| uses(on)).map(|(path, _)| path).collect();
    for target in targets() {
        if !exports(&target).iter().any(|store| stores.contains(store)) {
            continue;
        }
        let name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for (session, _) in sessions().into_iter().filter(|(_, of)| *of == name) {
            // What cannot log out loses its session with the target.
            let _lost_with_the_target = iscsiadm(["--mode", "session", "--sid", session.as_str(), "--logout"]);
        }
        remove_target(&target)?;
    }
    stores.iter().try_for_each(|store| remove_folder(store))
}

/// The backstores that a target gives to initiators.
fn exports(target: &Path) -> Vec<PathBuf> {
    let luns = groups(target).into_iter().flat_map(|group| folders(&group.join("lun")));
    luns.flat_map(|lun| links(&lun)).filter_map(|link| fs::canonicalize(link).ok()).collect()
}

/// In the order that the kernel accepts.
fn remove_target(target: &Path) -> Result<()> {
    for group in groups(target) {
        let _may_be_off = fs::write(group.join("enable"), "0");
        for acl in folders(&group.join("acls")) {
            for lun in folders(&acl).into_iter().filter(|path| name_begins(path, "lun_")) {
                links(&lun).iter().try_for_each(|link| remove_link(link))?;
                remove_folder(&lun)?;
            }
            remove_folder(&acl)?;
        }
        for lun in folders(&group.join("lun")) {
            links(&lun).iter().try_for_each(|link| remove_link(link))?;
            remove_folder(&lun)?;
        }
        folders(&group.join("np")).iter().try_for_each(|portal| remove_folder(portal))?;
        remove_folder(&group)?;
    }
    remove_folder(target)
}

fn groups(target: &Path) -> Vec<PathBuf> {
    folders(target).into_iter().filter(|path| name_begins(path, "tpgt_")).collect()
}

fn name_begins(path: &Path, with: &str) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(with.as_bytes()))
}

fn folders(path: &Path) -> Vec<PathBuf> {
    entries(path, |kind| kind.is_dir() || kind.is_symlink() && path.starts_with("/sys/class"))
}

fn links(path: &Path) -> Vec<PathBuf> {
    entries(path, |kind| kind.is_symlink())
}

fn entries(path: &Path, wanted: impl Fn(&fs::FileType) -> bool) -> Vec<PathBuf> {
    let all = fs::read_dir(path).into_iter().flatten().flatten();
    all.filter(|entry| entry.file_type().is_ok_and(|kind| wanted(&kind))).map(|entry| entry.path()).collect()
}

fn remove_folder(path: &Path) -> Result<()> {
    gone(fs::remove_dir(path), path)
}

fn remove_link(path: &Path) -> Result<()> {
    gone(fs::remove_file(path), path)
}

fn gone(removed: io::Result<()>, path: &Path) -> Result<()> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::io(format!("cannot remove {}", path.display()))(error))
        }
        _ => Ok(()),
    }
}
