//! What backends are made on: by which driver, with which options, and what must not lie there when nothing is at work.

use std::{
    fmt, fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::Result;
use ashlar_lab::lvm::{Shape, ThinPool, VolumeGroup};
use clap::ValueEnum;

/// The place of one backend.
pub trait Ground: fmt::Debug + Send + Sync {
    /// Its driver, as in `ashlar-driver-<name>`.
    fn driver(&self) -> &'static str;

    /// The options of the backend, as lines of TOML.
    fn options(&self) -> String;

    /// What lies there that no volume and no snapshot accounts for, asked of the place itself and not of the driver.
    ///
    /// # Errors
    /// It cannot be asked.
    fn left_over(&self) -> Result<Vec<String>>;
}

/// A directory of the local driver.
#[derive(Clone, Debug)]
pub struct Directory {
    /// Where its volumes are.
    pub path: PathBuf,
    /// More of its options, as TOML.
    pub more: String,
}

impl Ground for Directory {
    fn driver(&self) -> &'static str {
        "local"
    }

    fn options(&self) -> String {
        format!("path = {:?}\n{}", self.path, self.more)
    }

    /// What the driver makes things in, and where its exports are.
    fn left_over(&self) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for folder in ["tmp", "attachments"] {
            found.extend(names(&self.path.join(folder))?.into_iter().map(|name| format!("{folder}/{name}")));
        }
        Ok(found)
    }
}

/// A volume group of the lab, for the LVM driver.
#[derive(Debug)]
pub struct Group {
    group: VolumeGroup,
    provisioning: Provisioning,
    protocol: Protocol,
    /// Where the driver has its state.
    state: PathBuf,
}

/// How volumes take their room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Provisioning {
    /// As bytes are written.
    Thin,
    /// All of it from the start.
    Thick,
}

/// How clients reach volumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// By a device of this machine.
    Local,
    /// By the kernel's own target and initiator.
    Iscsi,
}

/// Each volume has a few chunks of the size that thin pools share blocks in.
const THIN: Shape =
    Shape { size_mib: 800, extent_kib: 4096, thin: Some(ThinPool { size_mib: 640, metadata_kib: 64 << 10 }) };
/// Room for all that clients have. What is zeroed takes none below, where the lab has a file with holes.
const THICK: Shape = Shape { size_mib: 96 << 10, extent_kib: 4096, thin: None };
/// Volumes have whole GiB, and hardly anything in them.
const RATIO: u32 = 1000;

impl Group {
    /// One that nobody else uses.
    ///
    /// # Errors
    /// It takes root, device-mapper and LVM's programs.
    pub fn raise(provisioning: Provisioning, protocol: Protocol, state: PathBuf) -> Result<Self> {
        let shape = match provisioning {
            Provisioning::Thin => &THIN,
            Provisioning::Thick => &THICK,
        };
        Ok(Self { group: VolumeGroup::standing(shape)?, provisioning, protocol, state })
    }
}

impl Ground for Group {
    fn driver(&self) -> &'static str {
        "lvm"
    }

    fn options(&self) -> String {
        let provisioning = match self.provisioning {
            Provisioning::Thin => format!("provisioning = 'thin'\nmax_over_subscription_ratio = {RATIO}.0"),
            Provisioning::Thick => "provisioning = 'thick'".to_owned(),
        };
        let target = match self.protocol {
            Protocol::Local => "target = { protocol = 'local' }",
            Protocol::Iscsi => "target = { protocol = 'iscsi', portals = ['127.0.0.1:3260'] }",
        };
        let (name, state) = (self.group.name(), &self.state);
        format!("volume_group = '{name}'\n{provisioning}\nstate_path = {state:?}\n{target}\n")
    }

    /// Volumes and snapshots that are whole are held against the records by `compare`.
    fn left_over(&self) -> Result<Vec<String>> {
        let mut found = self.group.residue()?;
        found.retain(|what| !what.starts_with("volume volume-") && !what.starts_with("volume snap-"));
        found.extend(self.group.strays()?);
        Ok(found)
    }
}

fn names(directory: &Path) -> Result<Vec<String>> {
    match fs::read_dir(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        entries => Ok(entries?.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()),
    }
}
