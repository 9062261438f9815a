//! One volume group.

use std::{fs, path::Path, time::Duration};

use super::{
    device, metadata,
    shell::Shell,
    slot::{Slot, loops},
    tools::{lvm, run},
};
use crate::error::{Error, Result};

const SECTORS_A_MIB: u64 = 2048;
/// Where the physical volume begins on the loop device. There, and not at its start, so that nobody takes the loop device
/// itself for the physical volume: a disk that fails has no twin that does not.
const LEAD_MIB: u64 = 1;
const POOL: &str = "pool";
/// The kernel counts what it keeps in reserve as used: a tenth.
const EMPTY_PERCENT: f64 = 20.0;

/// What a volume group is to be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Its size, metadata included.
    pub size_mib: u64,
    /// The size of an extent; a power of two.
    pub extent_kib: u64,
    /// The thin pool in it, where it is to have one.
    pub thin: Option<ThinPool>,
}

/// A thin pool named `pool`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThinPool {
    /// Its room for data.
    pub size_mib: u64,
    /// Its room for metadata; LVM makes none below 2048.
    pub metadata_kib: u64,
}

/// A volume group that is empty at the beginning. It stays for the next process that wants one of this shape, which finds it
/// quicker than it makes one; [`super::take_down_all`] removes it.
#[derive(Debug)]
pub struct VolumeGroup {
    slot: Slot,
    shape: Shape,
    name: String,
    shell: Shell,
    /// Thin devices that use up metadata.
    fillers: std::sync::Mutex<u64>,
}

impl VolumeGroup {
    /// One of this shape that nobody uses.
    ///
    /// # Errors
    /// It takes root, device-mapper and LVM's programs.
    pub fn standing(shape: &Shape) -> Result<Self> {
        let slot = Slot::take(&format!("{shape:?}"))?;
        let group = Self {
            name: slot.vg(),
            slot,
            shape: *shape,
            shell: Shell::default(),
            fillers: std::sync::Mutex::default(),
        };
        if group.stands() && group.clear().is_ok() {
            return Ok(group);
        }
        group.slot.take_down()?;
        group.raise()?;
        Ok(group)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its thin pool.
    #[must_use]
    pub fn pool(&self) -> Option<&'static str> {
        self.shape.thin.map(|_| POOL)
    }

    /// What can be given to volumes, in bytes.
    #[must_use]
    pub fn room(&self) -> u64 {
        let mib = self.shape.thin.map_or(self.shape.size_mib, |thin| thin.size_mib);
        mib << 20
    }

    /// The device that its one physical volume is on.
    #[must_use]
    pub fn physical_volume(&self) -> String {
        self.slot.pv_path()
    }

    /// For `LVM_SYSTEM_DIR`: settings by which LVM sees this group's device alone, and not what that is on.
    #[must_use]
    pub fn settings(&self) -> &Path {
        self.slot.path()
    }

    /// Has LVM do these in turn, as `lvcreate -L 4m -n foreign VG`. Look at what came of it.
    ///
    /// # Errors
    /// LVM's shell cannot be started.
    pub fn lvm(&self, commands: &[&str]) -> Result<String> {
        lvm(self.slot.path(), &commands.iter().map(|command| (*command).to_owned()).collect::<Vec<_>>())
    }

    /// The names of its logical volumes, LVM's hidden ones left out.
    ///
    /// # Errors
    /// LVM does not tell.
    pub fn volumes(&self) -> Result<Vec<String>> {
        Ok(self.contents()?.volumes)
    }

    /// The names of device-mapper devices that others stacked on its volumes, Ashlar's way.
    ///
    /// # Errors
    /// The kernel does not tell.
    pub fn stacked(&self) -> Result<Vec<String>> {
        let prefix = format!("ashlar-{}-", self.name);
        Ok(device::names()?.into_iter().filter(|name| name.starts_with(&prefix)).collect())
    }

    /// iSCSI targets on those.
    ///
    /// # Errors
    /// The kernel does not tell.
    pub fn targets(&self) -> Result<Vec<String>> {
        super::configfs::targets_on(Path::new("/dev/mapper"), &format!("ashlar-{}-", self.name))
    }

    /// All that lies on it, in words: volumes, devices on them, targets.
    ///
    /// # Errors
    /// It cannot be asked.
    pub fn residue(&self) -> Result<Vec<String>> {
        let mut found: Vec<String> = self.volumes()?.into_iter().map(|name| format!("volume {name}")).collect();
        found.extend(self.stacked()?.into_iter().map(|name| format!("device {name}")));
        found.extend(self.targets()?.into_iter().map(|name| format!("target {name}")));
        Ok(found)
    }

    /// From now on every request to its physical volume fails.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn begin_outage(&self) -> Result<()> {
        self.slot.note_unwell(true)?;
        device::exchange(&self.slot.pv(), &format!("0 {} error\n", self.sectors()))
    }

    /// From now on every write to its physical volume takes so much longer.
    ///
    /// # Errors
    /// The kernel has no dm-delay.
    pub fn slow_down(&self, by: Duration) -> Result<()> {
        let on = self.loop_device()?;
        let (at, by) = (LEAD_MIB * SECTORS_A_MIB, by.as_millis());
        let table = format!("0 {} delay {on} {at} 0 {on} {at} {by}\n", self.sectors());
        self.slot.note_unwell(true)?;
        device::exchange(&self.slot.pv(), &table)
    }

    /// Ends outage and slowness.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn well_again(&self) -> Result<()> {
        device::exchange(&self.slot.pv(), &self.table(&self.loop_device()?))?;
        self.slot.note_unwell(false)
    }

    /// Uses up the metadata of its thin pool, which must be active.
    ///
    /// # Errors
    /// It has none, or is not active.
    pub fn fill_metadata(&self) -> Result<()> {
        let made = metadata::fill(&self.pool_device()?)?;
        *self.fillers.lock().unwrap_or_else(std::sync::PoisonError::into_inner) += made;
        Ok(())
    }

    /// Gives metadata back.
    ///
    /// # Errors
    /// As [`VolumeGroup::fill_metadata`].
    pub fn release_metadata(&self) -> Result<()> {
        let mut fillers = self.fillers.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        metadata::release(&self.pool_device()?, std::mem::take(&mut *fillers))
    }

    /// The kernel's thin pool: LVM puts a layer on it when there are volumes.
    fn pool_device(&self) -> Result<String> {
        let pool = self.pool().ok_or(Error::State("to have a thin pool, and this one has none"))?;
        let plain = format!("{}-{pool}", self.name);
        let layered = format!("{plain}-tpool");
        Ok(if device::names()?.contains(&layered) { layered } else { plain })
    }

    fn sectors(&self) -> u64 {
        self.shape.size_mib * SECTORS_A_MIB
    }

    fn table(&self, on: &str) -> String {
        format!("0 {} linear {on} {}\n", self.sectors(), LEAD_MIB * SECTORS_A_MIB)
    }

    fn loop_device(&self) -> Result<String> {
        let found = loops(&self.slot.disk())?;
        found.into_iter().next().ok_or(Error::State("to be on a loop device, and there is none"))
    }

    /// Whether there is one of this shape already.
    fn stands(&self) -> bool {
        self.slot.shape() == Some(format!("{:?}", self.shape))
    }

    fn raise(&self) -> Result<()> {
        let disk = self.slot.disk();
        let made = || Error::io(format!("cannot make {}", disk.display()));
        // All of it is there and none of it is written: it takes what is used.
        let file = fs::File::create(&disk).map_err(made())?;
        file.set_len((LEAD_MIB + self.shape.size_mib) << 20).map_err(made())?;
        let on = run("losetup", ["--find", "--show", &disk.to_string_lossy()])?;
        device::create(&self.slot.pv(), &self.table(on.trim()))?;
        self.slot.write_settings()?;
        let (pv, name, extent) = (self.slot.pv_path(), &self.name, self.shape.extent_kib);
        let mut commands = vec![
            format!("pvcreate --yes --force {pv}"),
            format!("vgcreate --physicalextentsize {extent}k {name} {pv}"),
        ];
        commands.extend(self.shape.thin.map(|thin| {
            let (size, metadata) = (thin.size_mib, thin.metadata_kib);
            format!(
                "lvcreate --yes --type thin-pool --size {size}m --poolmetadatasize {metadata}k --poolmetadataspare n \
                 --zero y --name {POOL} {name}"
            )
        }));
        commands.push(format!("lvs --noheadings --options vg_name,lv_name {name}"));
        commands.push(format!("vgs --noheadings --options vg_name {name}"));
        let said = lvm(self.slot.path(), &commands)?;
        let stands = said.lines().any(|line| line.trim() == name.as_str());
        let pool =
            self.pool().is_none_or(|pool| said.lines().any(|line| line.split_whitespace().eq([name.as_str(), pool])));
        if !(stands && pool) {
            let what = format!("LVM did not make volume group {name}; it said: {}", said.trim());
            return Err(Error::Io { what, source: std::io::ErrorKind::Other.into() });
        }
        self.slot.note(&format!("{:?}", self.shape))
    }

    /// Removes what an earlier user left.
    fn clear(&self) -> Result<()> {
        if self.slot.is_unwell() {
            self.well_again()?;
        }
        self.slot.clear_stack()?;
        let mut found = self.contents()?;
        if !found.volumes.is_empty() {
            // One after the other: origins go with their snapshots, and then those are not there any more.
            let remove = |name: &String| format!("lvremove --yes --force {}/{name}", self.name);
            lvm(self.slot.path(), &found.volumes.iter().map(remove).collect::<Vec<_>>())?;
            found = self.contents()?;
        }
        if found.volumes.is_empty() && found.is_unused(self.pool().is_some()) {
            return Ok(());
        }
        Err(Error::Io {
            what: format!(
                "still there: {}, and the thin pool holds {:?} percent",
                found.volumes.join(", "),
                found.pool
            ),
            source: std::io::ErrorKind::Other.into(),
        })
    }

    /// What LVM says is in it.
    fn contents(&self) -> Result<Contents> {
        let name = &self.name;
        let lines = self.shell.ask(
            self.slot.path(),
            &[
                format!("lvs --noheadings --options lv_name,data_percent,metadata_percent --separator , {name}"),
                format!("vgs --noheadings --options vg_name,lv_count --separator : {name}"),
            ],
        )?;
        let mut contents = Contents { volumes: Vec::new(), pool: Vec::new() };
        // What failed printed nothing, which must not be taken for nothing being there.
        let end = lines.iter().position(|line| line.starts_with(&format!("{name}:")));
        let rows = end.map(|end| &lines[..end]).unwrap_or_default();
        if end.is_none_or(|end| lines[end] != format!("{name}:{}", rows.len())) {
            return Err(Error::io("LVM does not tell what is in a volume group")(std::io::ErrorKind::NotFound));
        }
        for line in rows {
            let mut fields = line.split(',');
            match fields.next() {
                None | Some("") => {}
                name if name == self.pool() => contents.pool = fields.filter_map(|field| field.parse().ok()).collect(),
                Some(name) => contents.volumes.push(name.to_owned()),
            }
        }
        contents.volumes.sort();
        Ok(contents)
    }
}

/// What is in a volume group.
struct Contents {
    /// The names of its volumes, without its thin pool.
    volumes: Vec<String>,
    /// Percent of data and of metadata that its thin pool holds.
    pool: Vec<f64>,
}

impl Contents {
    /// Whether its thin pool, where it has one, holds nothing, that of thin devices unknown to LVM included.
    fn is_unused(&self, thin: bool) -> bool {
        !thin || matches!(self.pool[..], [data, metadata] if data == 0.0 && metadata < EMPTY_PERCENT)
    }
}
