//! Sessions and units as the kernel shows them.

use std::{
    ffi::OsStr,
    fs,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};

use crate::{
    connector::{
        connectors::read,
        error::{Doing, Error},
    },
    units::ByteCount,
};

/// sysfs counts in these, whatever the unit's own blocks are.
const SECTOR: u64 = 512;
const LOGGED_IN: &str = "LOGGED_IN";

/// One log-in at a target.
#[derive(Clone, Debug)]
pub(super) struct Session {
    /// The number in `sessionN`.
    pub(super) id: u64,
    /// Where it was logged in; `None` while it has no connection.
    pub(super) portal: Option<SocketAddr>,
    /// `class/iscsi_session/sessionN`.
    folder: PathBuf,
    /// The session's device, which has the targets below it and a SCSI host above it.
    device: PathBuf,
    sys: PathBuf,
}

/// A logical unit that was found behind a session.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    pub(super) lun: u64,
    /// `.../H:C:T:L`.
    pub(super) folder: PathBuf,
}

/// The sessions with a target, oldest first.
pub(super) fn sessions(sys: &Path, iqn: &str) -> Result<Vec<Session>, Error> {
    let class = sys.join("class/iscsi_session");
    let mut found = Vec::new();
    for (name, folder) in entries(&class)? {
        let Some(id) = name.strip_prefix("session").and_then(|id| id.parse().ok()) else { continue };
        // A session that ends while it is looked at is none.
        if read(&folder.join("targetname"))?.as_deref() != Some(iqn) {
            continue;
        }
        let Ok(device) = folder.join("device").canonicalize() else { continue };
        found.push(Session { id, portal: portal(&device)?, folder, device, sys: sys.to_owned() });
    }
    found.sort_by_key(|session| session.id);
    Ok(found)
}

impl Session {
    /// Whether the target answers, as far as the kernel knows.
    pub(super) fn is_logged_in(&self) -> bool {
        matches!(read(&self.folder.join("state")), Ok(Some(state)) if state == LOGGED_IN)
    }

    pub(super) fn is_there(&self) -> bool {
        self.folder.exists()
    }

    /// What was found behind it, in the order of their numbers.
    pub(super) fn units(&self) -> Result<Vec<Unit>, Error> {
        let mut units = Vec::new();
        for (target, folder) in entries(&self.device)? {
            if !target.starts_with("target") {
                continue;
            }
            for (name, folder) in entries(&folder)? {
                let mut numbers = name.split(':').map(str::parse::<u64>);
                if let (Some(Ok(_)), Some(Ok(_)), Some(Ok(_)), Some(Ok(lun)), None) =
                    (numbers.next(), numbers.next(), numbers.next(), numbers.next(), numbers.next())
                {
                    units.push(Unit { lun, folder });
                }
            }
        }
        units.sort_by_key(|unit| unit.lun);
        Ok(units)
    }

    pub(super) fn unit(&self, lun: u64) -> Result<Option<Unit>, Error> {
        Ok(self.units()?.into_iter().find(|unit| unit.lun == lun))
    }

    fn host(&self) -> Result<PathBuf, Error> {
        let host = self.device.iter().filter_map(OsStr::to_str).find(|part| is_numbered(part, "host"));
        let host = host.ok_or_else(|| Error::Io {
            doing: "find the host of",
            path: self.device.clone(),
            source: std::io::ErrorKind::NotFound.into(),
        })?;
        Ok(self.sys.join("class/scsi_host").join(host))
    }

    /// Looks for one unit at the target: the others stay unknown here, and what was deleted stays so. Blocks until
    /// the target has answered.
    pub(super) fn scan(&self, lun: u64) -> Result<(), Error> {
        let scan = self.host()?.join("scan");
        // One session per host and target 0 with iscsi_tcp; adapters have many, and say which is which.
        let target = read(&self.folder.join("target_id"))?.and_then(|id| id.parse::<u32>().ok()).unwrap_or(0);
        fs::write(&scan, format!("0 {target} {lun}")).doing("scan by", &scan)
    }
}

impl Unit {
    /// The kernel's name of the block device, `sdX`; `None` until its driver has looked at the unit.
    pub(super) fn block(&self) -> Result<Option<String>, Error> {
        Ok(entries(&self.folder.join("block"))?.into_iter().next().map(|(name, _)| name))
    }

    fn attribute(&self, name: &str) -> Result<Option<String>, Error> {
        let Some(block) = self.block()? else { return Ok(None) };
        read(&self.folder.join("block").join(block).join(name))
    }

    /// Major and minor number of the block device, as `8:0`.
    pub(super) fn number(&self) -> Result<Option<String>, Error> {
        self.attribute("dev")
    }

    pub(super) fn size(&self) -> Result<Option<ByteCount>, Error> {
        let sectors = self.attribute("size")?.and_then(|sectors| sectors.parse::<u64>().ok());
        Ok(sectors.and_then(|sectors| ByteCount::new(sectors.saturating_mul(SECTOR)).ok()))
    }

    pub(super) fn is_read_only(&self) -> Result<bool, Error> {
        Ok(self.attribute("ro")?.as_deref() == Some("1"))
    }

    /// The unit serial number, of the page 0x80 of its vital product data (SPC-4, 7.8.15): four bytes of header, then
    /// text. `None` where the unit has none.
    pub(super) fn serial(&self) -> Option<String> {
        let page = fs::read(self.folder.join("vpd_pg80")).ok()?;
        let text = String::from_utf8_lossy(page.get(4..)?).trim_matches(['\0', ' ']).to_owned();
        Some(text).filter(|text| !text.is_empty())
    }

    /// Has the kernel ask the unit anew. Blocks until it has answered.
    pub(super) fn rescan(&self) -> Result<(), Error> {
        let file = self.folder.join("rescan");
        fs::write(&file, "1").doing("rescan by", &file)
    }

    /// Takes the device away. Blocks until its last request has ended.
    pub(super) fn delete(&self) -> Result<(), Error> {
        let file = self.folder.join("delete");
        match fs::write(&file, "1") {
            // Somebody else did, in between.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            ended => ended.doing("delete by", &file),
        }
    }
}

/// The address that was asked for, not the one that the target redirected to.
fn portal(device: &Path) -> Result<Option<SocketAddr>, Error> {
    for (name, folder) in entries(device)? {
        if !name.starts_with("connection") {
            continue;
        }
        let class = folder.join("iscsi_connection").join(&name);
        let (address, port) = (read(&class.join("persistent_address"))?, read(&class.join("persistent_port"))?);
        let address = address.and_then(|address| address.trim_matches(['[', ']']).parse::<IpAddr>().ok());
        if let (Some(address), Some(port)) = (address, port.and_then(|port| port.parse::<u16>().ok())) {
            return Ok(Some(SocketAddr::new(address, port)));
        }
    }
    Ok(None)
}

fn is_numbered(name: &str, kind: &str) -> bool {
    name.strip_prefix(kind).is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Names and paths below a folder; none where it is missing, as sysfs is without its modules.
fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>, Error> {
    let listing = match fs::read_dir(folder) {
        Ok(listing) => listing,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).doing("list", folder),
    };
    let mut entries = Vec::new();
    for entry in listing {
        let entry = entry.doing("list", folder)?;
        entries.push((entry.file_name().to_string_lossy().into_owned(), entry.path()));
    }
    entries.sort();
    Ok(entries)
}

#[cfg(test)]
mod tests;
