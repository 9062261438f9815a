//! Which kernel tests that need device-mapper run on: the host's own, or that of a machine.

use std::{fs::OpenOptions, path::Path, time::Duration};

use rustix::process::geteuid;
use serde::{Deserialize, Serialize};

use super::boot::KERNEL;
use crate::{
    error::{Error, Result},
    program::Program,
};

const ASK_LIMIT: Duration = Duration::from_secs(30);
const PROGRAMS: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// What device-mapper has to be able to, by the names of `dmsetup targets`.
const TARGETS: &[&str] = &["thin-pool", "snapshot", "linear", "error"];
const HOST_MODULES: &[&str] =
    &["dm_thin_pool", "dm_snapshot", "target_core_mod", "iscsi_target_mod", "target_core_iblock", "iscsi_tcp"];
const CONFIGFS: &str = "/sys/kernel/config/target";

/// The packages of Debian 12 that this takes, each with a program that it brings.
pub const PACKAGES: &[(&str, &str)] = &[
    ("user-mode-linux", KERNEL),
    ("lvm2", "lvm"),
    ("thin-provisioning-tools", "thin_check"),
    ("dmsetup", "dmsetup"),
    ("kmod", "modprobe"),
    ("open-iscsi", "iscsid"),
    ("iproute2", "ip"),
    ("util-linux", "unshare"),
];
/// A command line that brings them.
const REMEDY: &str = "cargo xtask lab install lvm";

/// Which kernel somebody wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The host's where that can do it.
    Best,
    /// The host's.
    Host,
    /// That of machines.
    User,
}

/// Which kernel it is, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Kernel {
    /// The host's own.
    Host {
        /// In words.
        why: String,
    },
    /// That of machines.
    User {
        /// In words.
        why: String,
    },
}

impl Kernel {
    /// The one to take here.
    ///
    /// # Errors
    /// A package is missing; or the host's is wanted, and cannot do it.
    pub fn choose(choice: Choice) -> Result<Self> {
        let missing: Vec<&str> = missing().into_iter().filter(|package| *package != "user-mode-linux").collect();
        if !missing.is_empty() {
            return Err(not_installed(missing.join(", ")));
        }
        let lacks = if choice == Choice::User { None } else { what_the_host_lacks() };
        let why = match (choice, lacks) {
            (Choice::Best, None) => {
                let why = "it has device-mapper, loop devices and the iSCSI target, and this is root".to_owned();
                return Ok(Self::Host { why });
            }
            (Choice::Host, None) => return Ok(Self::Host { why: "it was asked for".to_owned() }),
            (Choice::Host, Some(lack)) => return Err(Error::Host(lack)),
            (Choice::User, _) => "it was asked for".to_owned(),
            (Choice::Best, Some(lack)) => format!("the host's does not do: {lack}"),
        };
        if find(KERNEL) { Ok(Self::User { why }) } else { Err(not_installed("user-mode-linux".to_owned())) }
    }
}

/// Which of the [`PACKAGES`] are not here.
#[must_use]
pub fn missing() -> Vec<&'static str> {
    PACKAGES.iter().filter(|(_, program)| !find(program)).map(|(package, _)| *package).collect()
}

fn not_installed(looked: String) -> Error {
    Error::NotInstalled { what: "what the LVM lab runs on", looked, remedy: REMEDY }
}

fn find(program: &str) -> bool {
    PROGRAMS.split(':').any(|folder| Path::new(folder).join(program).is_file())
}

/// In words, what this host's kernel cannot do for LVM's tests.
fn what_the_host_lacks() -> Option<String> {
    if !geteuid().is_root() {
        return Some("this is not root".to_owned());
    }
    // Each alone, and whether it worked is seen below: some may be built in.
    for module in HOST_MODULES {
        let _may_be_built_in = Program::new("modprobe").arguments(["--quiet", *module]).run(ASK_LIMIT);
    }
    for device in ["/dev/mapper/control", "/dev/loop-control"] {
        if let Err(error) = OpenOptions::new().read(true).write(true).open(device) {
            return Some(format!("{device}: {error}"));
        }
    }
    let targets = match Program::new("dmsetup").arguments(["targets"]).run(ASK_LIMIT) {
        Ok(targets) => targets,
        Err(error) => return Some(error.to_string()),
    };
    let has = |wanted: &str| targets.lines().any(|line| line.split_whitespace().next() == Some(wanted));
    if let Some(lack) = TARGETS.iter().find(|wanted| !has(wanted)) {
        return Some(format!("device-mapper has no {lack}"));
    }
    if !Path::new(CONFIGFS).is_dir() && std::fs::create_dir(CONFIGFS).is_err() {
        return Some(format!(
            "no iSCSI target: {CONFIGFS} is not there (modprobe target_core_mod, and mount configfs)"
        ));
    }
    None
}
