//! Targets of LIO, as configfs has them: which are on what, and how they go.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::error::{Error, Result};

const CORE: &str = "/sys/kernel/config/target/core";
const ISCSI: &str = "/sys/kernel/config/target/iscsi";

/// The names of iSCSI targets on devices of `folder` whose names begin with `prefix`.
pub(super) fn targets_on(folder: &Path, prefix: &str) -> Result<Vec<String>> {
    let stores = stores_on(folder, prefix);
    let uses = |target: &PathBuf| {
        let groups = entries(target).into_iter();
        let units = groups.flat_map(|group| entries(&group.join("lun")));
        units.flat_map(|unit| entries(&unit)).any(|link| fs::canonicalize(link).is_ok_and(|at| stores.contains(&at)))
    };
    let targets = entries(Path::new(ISCSI)).into_iter().filter(uses);
    Ok(targets.filter_map(|target| target.file_name()?.to_str().map(str::to_owned)).collect())
}

/// Removes them, and the backstores.
pub(super) fn remove_on(folder: &Path, prefix: &str) -> Result<()> {
    for target in targets_on(folder, prefix)? {
        let target = Path::new(ISCSI).join(target);
        remove_target(&target).map_err(Error::io(format!("cannot remove {}", target.display())))?;
    }
    for store in stores_on(folder, prefix) {
        fs::remove_dir(&store).map_err(Error::io(format!("cannot remove {}", store.display())))?;
    }
    Ok(())
}

/// Inside out: configfs removes no directory that has others or links in it.
fn remove_target(target: &Path) -> io::Result<()> {
    for group in entries(target).into_iter().filter(|path| is_named(path, "tpgt_")) {
        let _was_off = fs::write(group.join("enable"), "0");
        for acl in entries(&group.join("acls")) {
            for unit in entries(&acl).into_iter().filter(|path| is_named(path, "lun_")) {
                remove_links(&unit)?;
                fs::remove_dir(unit)?;
            }
            fs::remove_dir(acl)?;
        }
        for unit in entries(&group.join("lun")) {
            remove_links(&unit)?;
            fs::remove_dir(unit)?;
        }
        for portal in entries(&group.join("np")) {
            fs::remove_dir(portal)?;
        }
        fs::remove_dir(group)?;
    }
    fs::remove_dir(target)
}

fn remove_links(folder: &Path) -> io::Result<()> {
    entries(folder).into_iter().filter(|path| path.is_symlink()).try_for_each(fs::remove_file)
}

/// Backstores on such devices.
fn stores_on(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let is_on = |store: &PathBuf| {
        let device = fs::read_to_string(store.join("udev_path")).unwrap_or_default();
        let device = Path::new(device.trim());
        device.parent() == Some(folder) && is_named(device, prefix)
    };
    let adapters = entries(Path::new(CORE)).into_iter().filter(|path| is_named(path, "iblock_"));
    adapters.flat_map(|adapter| entries(&adapter)).filter(is_on).collect()
}

/// What a directory holds; nothing where there is no such directory.
pub(super) fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

fn is_named(path: &Path, prefix: &str) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix))
}
