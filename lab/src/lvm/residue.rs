//! What is left: all that tests of LVM can leave in a kernel.

use super::{node, targets};

/// All of it, a line for each: device-mapper devices, loop devices, iSCSI backstores, targets and sessions. What stands for
/// all tests is in it too, so compare with what was there before.
#[must_use]
pub fn residue() -> Vec<String> {
    let mapped = node::mapped().into_iter().map(|(name, node)| format!("device-mapper device {name} ({node})"));
    let loops = node::loops().into_iter().map(|(name, file)| format!("loop device {name} of {}", file.display()));
    let stores = targets::backstores().into_iter().map(|(path, _)| format!("backstore {}", path.display()));
    let offered = targets::targets().into_iter().map(|path| format!("target {}", path.display()));
    let sessions = targets::sessions().into_iter().map(|(number, name)| format!("iSCSI session {number} with {name}"));
    mapped.chain(loops).chain(stores).chain(offered).chain(sessions).collect()
}
