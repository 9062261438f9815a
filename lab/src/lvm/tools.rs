//! The programs that make and look at volume groups.

use std::{path::Path, time::Duration};

use crate::{
    error::{Error, Result},
    program::Program,
};

const LIMIT: Duration = Duration::from_secs(60);
/// Where Debian has the programs.
const FOLDERS: [&str; 4] = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"];
const REMEDY: &str = "`cargo xtask lab install lvm`, or as root `apt-get install lvm2 dmsetup thin-provisioning-tools`";

/// One of them.
pub(super) fn tool(name: &'static str) -> Result<Program> {
    let found = FOLDERS.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.is_file());
    let looked = || Error::NotInstalled { what: name, looked: FOLDERS.join(", "), remedy: REMEDY };
    let program = Program::new(found.ok_or_else(looked)?);
    // Where nobody listens, libdevmapper makes device nodes by itself.
    Ok(if Path::new("/run/udev/control").exists() { program } else { program.variable("DM_DISABLE_UDEV", "1") })
}

/// Runs one with these arguments.
pub(super) fn run<const N: usize>(name: &'static str, arguments: [&str; N]) -> Result<String> {
    tool(name)?.arguments(arguments).run(LIMIT)
}

/// Settings of LVM by which it sees only `device`, keeps no backups and starts no daemon.
pub(super) fn settings(device: &str) -> String {
    format!(
        "devices {{\n  global_filter = [\"a|^{device}$|\", \"r|.*|\"]\n  scan_lvs = 0\n  use_devicesfile = 0\n  hints = \"none\"\n}}\n\
         activation {{\n  monitoring = 0\n  reserved_memory = 0\n}}\n\
         backup {{\n  backup = 0\n  archive = 0\n}}\n\
         global {{\n  event_activation = 0\n  notify_dbus = 0\n}}\n"
    )
}

/// LVM with the settings in `directory`.
pub(super) fn lvm_with(directory: &Path) -> Result<Program> {
    Ok(tool("lvm")?.variable("LVM_SYSTEM_DIR", directory).variable("LVM_SUPPRESS_FD_WARNINGS", "1"))
}

/// Has LVM's shell do these, one after another, with the settings in `directory`: starting a program for each costs more
/// than what it does. Returns what was printed; whether a command succeeded has to be seen by a look.
pub(super) fn lvm(directory: &Path, commands: &[String]) -> Result<String> {
    let text: String = commands.iter().map(|command| format!("{command}\n")).collect();
    lvm_with(directory)?.input(text).run(LIMIT)
}
