//! The device of an export, as LIO holds it.

use rustix::fs::{major, minor};

use ashlar_common::driver::AccessMode;

use crate::{
    configfs::Node,
    error::Error,
    export::{Export, ExportName},
    naming::Naming,
};

/// What is under an export's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing, or something that is not in use yet.
    Absent,
    /// What is asked for.
    AsAsked,
    /// Another device, or in another way.
    Other,
}

/// The device of one export.
#[derive(Debug)]
pub(super) struct Store {
    /// Each export has an adapter of its own: a shared one would have to be removed by the last, while another begins.
    adapter: Node,
    node: Node,
    name: String,
}

impl Store {
    pub(super) fn of(core: &Node, naming: &Naming, export: ExportName) -> Result<Self, Error> {
        let name = naming.store(export);
        let adapter = core.child(&adapter(export))?;
        Ok(Self { node: adapter.child(&name)?, adapter, name })
    }

    /// Its name, which links to it have.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn node(&self) -> &Node {
        &self.node
    }

    pub(super) fn state(&self, export: &Export) -> Result<State, Error> {
        if self.node.read("enable")?.as_deref() != Some("1") {
            return Ok(State::Absent);
        }
        let says = |attribute: &str| self.node.read(attribute).map(Option::unwrap_or_default);
        let same = says("udev_path")? == path(export)?
            && holds_device(&says("info")?, export)?
            && self.serial()?.ends_with(&export.name.to_string())
            && self.node.child("attrib")?.read("emulate_tpu")?.as_deref() == Some(flag(export.discard));
        Ok(if same { State::AsAsked } else { State::Other })
    }

    /// Makes it where it is [`State::Absent`].
    pub(super) fn ensure(&self, export: &Export) -> Result<bool, Error> {
        if self.state(export)? == State::AsAsked {
            return Ok(false);
        }
        // Begun and left: nothing can use it yet, so it is begun anew.
        self.node.remove()?;
        self.adapter.make()?;
        self.node.make()?;
        let (device, read_only) = (path(export)?, flag(export.mode == AccessMode::ReadOnly));
        self.node.write("control", &format!("udev_path={device},readonly={read_only}"))?;
        self.node.write("udev_path", device)?;
        self.node.write("enable", "1")?;
        // Of the attachment, not of the volume: two attachments of one volume at one client are two disks, and
        // multipath joins only the paths of one. Written before anything links here, which fixes it.
        self.node.child("wwn")?.write("vpd_unit_serial", &export.name.to_string())?;
        let attributes = self.node.child("attrib")?;
        attributes.set("emulate_tpu", flag(export.discard))?;
        attributes.set("emulate_tpws", flag(export.discard))?;
        // Block size and the largest WRITE SAME are the device's own, which LIO has taken over by now.
        if self.state(export)? != State::AsAsked {
            return Err(Error::NotTaken { path: self.node.path().to_owned() });
        }
        Ok(true)
    }

    pub(super) fn remove(&self) -> Result<bool, Error> {
        let mut changed = self.node.remove()?;
        changed |= self.adapter.remove_unused()?;
        Ok(changed)
    }

    /// `T10 VPD Unit Serial Number: <serial>`
    fn serial(&self) -> Result<String, Error> {
        Ok(self.node.child("wwn")?.read("vpd_unit_serial")?.unwrap_or_default())
    }
}

/// The exports that have a device here.
pub(super) fn list(core: &Node, naming: &Naming) -> Result<Vec<ExportName>, Error> {
    let mut found = Vec::new();
    for hba in core.directories()?.iter().filter(|name| name.starts_with("iblock_")) {
        let exports = core.child(hba)?.directories()?.into_iter().filter_map(|store| naming.export_of_store(&store));
        found.extend(exports.filter(|export| *hba == adapter(*export)));
    }
    Ok(found)
}

/// The number is of 32 bits, and sharing one does no harm: the first eight hexadecimal digits of the UUID.
fn adapter(export: ExportName) -> String {
    let digits: String = export.to_string().chars().take(8).collect();
    format!("iblock_{}", u32::from_str_radix(&digits, 16).unwrap_or_default())
}

fn path(export: &Export) -> Result<&str, Error> {
    let text = export.device.to_str().filter(|text| text.starts_with('/') && !text.contains([',', '\n', '\0']));
    text.ok_or_else(|| Error::BadName {
        what: "the device of an export",
        text: export.device.display().to_string(),
        rule: "it is an absolute path without commas",
    })
}

/// Whether LIO has the very device that is at the path now, in the mode that is asked for: a path may have got another
/// device since.
fn holds_device(info: &str, export: &Export) -> Result<bool, Error> {
    let failed =
        |source: rustix::io::Errno| Error::Io { doing: "look at", path: export.device.clone(), source: source.into() };
    let device = rustix::fs::stat(&export.device).map_err(failed)?.st_rdev;
    let number = format!("Major: {} Minor: {} ", major(device), minor(device));
    let mode = format!("readonly: {}", flag(export.mode == AccessMode::ReadOnly));
    // One space between, whatever the kernel's columns.
    let words = info.split_whitespace().collect::<Vec<_>>().join(" ") + " ";
    Ok(words.contains(&number) && words.contains(&mode))
}

pub(super) fn flag(on: bool) -> &'static str {
    if on { "1" } else { "0" }
}
