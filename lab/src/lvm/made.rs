//! A volume group on a file: made, cleaned, broken and taken down, whoever it belongs to.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use super::{
    node,
    shape::{Disk, Shape, State, ThinPool},
    stack,
    tools::{Lvm, Volume, dmsetup, fill_metadata, losetup},
};
use crate::error::{Error, Result};

/// In a group's folder.
const DISK: &str = "disk";
const MIB: u64 = 1 << 20;
/// Of device-mapper.
const SECTOR: u64 = 512;
/// Ids of thin volumes that LVM does not give.
const THIN_IDS: std::ops::Range<u32> = 8_000_000..8_100_000;

#[derive(Debug)]
pub(super) struct Made {
    pub(super) name: String,
    pub(super) shape: Shape,
    /// What LVM has as physical volume.
    pub(super) device: PathBuf,
    folder: PathBuf,
    /// The loop device, as the kernel calls it.
    node: String,
}

impl Made {
    pub(super) fn make(folder: &Path, name: String, shape: Shape) -> Result<Self> {
        let file = folder.join(DISK);
        let made = || Error::io(format!("cannot make {}", file.display()));
        let disk = File::create(&file).map_err(made())?;
        disk.set_len(u64::from(shape.size_mib) * MIB).map_err(made())?;
        let words = ["--find", "--show", "--nooverlap", file.to_str().unwrap_or_default()];
        let device = losetup(words)?.trim().to_owned();
        let node = device.trim_start_matches("/dev/").to_owned();
        let made = Self::of(folder, name, shape, node);
        if made.shape.on == Disk::Mapped {
            dmsetup(["create", &made.mapped(), "--table", &made.table(State::Works)])?;
        }
        let mut commands = vec![format!(
            "vgcreate --yes --physicalextentsize {}k {} {}",
            made.shape.extent_kib,
            made.name,
            made.device.display()
        )];
        commands.extend(made.shape.thin.map(|thin| {
            let ThinPool { size_mib, metadata_kib } = thin;
            let sizes = format!("--size {size_mib}m --poolmetadatasize {metadata_kib}k");
            format!("lvcreate --yes --type thin-pool {sizes} --zero y --name {} {}", ThinPool::NAME, made.name)
        }));
        let (volumes, said) = made.lvm()?.volumes(&made.name, &commands)?;
        made.is_clean(volumes, said, "cannot be made")?;
        Ok(made)
    }

    /// The one in `folder`, if its disk is there.
    pub(super) fn find(folder: &Path, name: &str, shape: &Shape) -> Option<Self> {
        Some(Self::of(folder, name.to_owned(), shape.clone(), loop_on(&folder.join(DISK))?))
    }

    fn of(folder: &Path, name: String, shape: Shape, node: String) -> Self {
        let mut made = Self { name, shape, device: PathBuf::new(), folder: folder.to_owned(), node };
        made.device = match made.shape.on {
            Disk::Loop => Path::new("/dev").join(&made.node),
            Disk::Mapped => Path::new("/dev/mapper").join(made.mapped()),
        };
        made
    }

    /// Takes down the one in `folder`, whatever is on it and whatever became of it.
    pub(super) fn take_down(folder: &Path) -> Result<()> {
        let file = folder.join(DISK);
        while let Some(node) = loop_on(&file) {
            stack::clear(&node, &[])?;
            losetup(["--detach", &format!("/dev/{node}")])?;
        }
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::io(format!("cannot remove {}", file.display()))(error))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn lvm(&self) -> Result<Lvm> {
        Lvm::for_disk(&self.folder, &self.device)
    }

    /// Removes what is stacked on its volumes, and their devices; LVM still knows the volumes.
    pub(super) fn clear(&self) -> Result<()> {
        if self.shape.on == Disk::Mapped {
            self.set(State::Works)?;
        }
        stack::clear(&self.node, &self.kept())
    }

    /// Has it be as it was made.
    pub(super) fn clean(&self) -> Result<()> {
        self.clear()?;
        let lvm = self.lvm()?;
        let (volumes, said) = lvm.volumes(&self.name, &[])?;
        if self.is_clean(volumes, said, "is not clean").is_ok() {
            return Ok(());
        }
        let remove = format!("lvremove --yes --force --select lv_name!={} {}", ThinPool::NAME, self.name);
        let (volumes, said) = lvm.volumes(&self.name, &[remove])?;
        self.is_clean(volumes, said, "cannot be cleaned")
    }

    fn is_clean(&self, volumes: Option<Vec<Volume>>, said: String, what: &'static str) -> Result<()> {
        let pool = self.shape.thin.map(|_| Volume { name: ThinPool::NAME.to_owned(), written: false });
        let wanted: Vec<Volume> = pool.into_iter().collect();
        if volumes.as_ref() == Some(&wanted) {
            return Ok(());
        }
        Err(Error::Group { group: self.name.clone(), what, said })
    }

    pub(super) fn set(&self, state: State) -> Result<()> {
        let mapped = self.mapped();
        let node = node::name_of(&self.device).unwrap_or_default();
        if self.shape.on == Disk::Loop {
            return Err(Error::State("on a loop device, which cannot be made to fail: its shape has to be mapped"));
        }
        if !node::is_suspended(&node) {
            if state == State::Works && dmsetup(["table", &mapped])?.trim() == self.table(state).trim() {
                return Ok(());
            }
            // What is on its way stays, for the new table to answer.
            dmsetup(["suspend", "--noflush", "--nolockfs", &mapped])?;
        }
        if state != State::Hangs {
            dmsetup(["load", &mapped, "--table", &self.table(state)])?;
            dmsetup(["resume", &mapped])?;
        }
        Ok(())
    }

    fn table(&self, state: State) -> String {
        let (sectors, node) = (u64::from(self.shape.size_mib) * MIB / SECTOR, &self.node);
        match state {
            State::Works | State::Hangs => format!("0 {sectors} linear /dev/{node} 0"),
            State::Fails => format!("0 {sectors} error"),
            State::Slow(milliseconds) => format!("0 {sectors} delay /dev/{node} 0 {milliseconds}"),
        }
    }

    pub(super) fn exhaust_metadata(&self) -> Result<()> {
        if self.shape.thin.is_none() {
            return Err(Error::State("without a thin pool"));
        }
        // It is the second as long as it has no volumes.
        let pool = format!("{}-{}", self.name.replace('-', "--"), ThinPool::NAME);
        let layers = [format!("{pool}-tpool"), pool];
        let Some(pool) = layers.iter().find(|layer| is_pool(layer)) else {
            return Err(Error::State("without a thin pool that is active"));
        };
        let refused = fill_metadata(pool, THIN_IDS);
        let status = dmsetup(["status", pool])?;
        // Read-only, or failed: what the kernel makes of a pool that has no room for what it has to note.
        if status.split_whitespace().any(|word| ["ro", "Fail", "needs_check", "out_of_metadata"].contains(&word)) {
            return Ok(());
        }
        let said = format!("{status}{}", refused.err().map(|error| error.to_string()).unwrap_or_default());
        Err(Error::Group { group: self.name.clone(), what: "still has room for metadata", said })
    }

    pub(super) fn residue(&self) -> Result<Vec<String>> {
        let (volumes, said) = self.lvm()?.volumes(&self.name, &[])?;
        let lost = || Error::Group { group: self.name.clone(), what: "is gone", said };
        let others = volumes.ok_or_else(lost)?.into_iter().filter(|volume| volume.name != ThinPool::NAME);
        let mut found: Vec<String> = others.map(|volume| format!("volume {}", volume.name)).collect();
        let kept = self.kept();
        for node in node::above(&self.node) {
            match node::mapped_name(&node) {
                Some(name) if kept.contains(&name) => {}
                Some(name) => found.push(format!("device-mapper device {name} ({node})")),
                None => found.push(format!("device {node}")),
            }
        }
        Ok(found)
    }

    /// The device-mapper devices that belong to the group itself.
    fn kept(&self) -> Vec<String> {
        let group = self.name.replace('-', "--");
        let pool = ["", "-tpool", "_tdata", "_tmeta"].map(|end| format!("{group}-{}{end}", ThinPool::NAME));
        pool.into_iter().chain([self.mapped()]).collect()
    }

    /// The name of its disk as device-mapper has it.
    fn mapped(&self) -> String {
        format!("ashlar-lab-disk-{}", self.name)
    }
}

fn is_pool(mapped: &str) -> bool {
    dmsetup(["status", mapped]).is_ok_and(|status| status.split_whitespace().nth(2) == Some("thin-pool"))
}

fn loop_on(file: &Path) -> Option<String> {
    node::loops().into_iter().find(|(_, on)| on == file).map(|(node, _)| node)
}
