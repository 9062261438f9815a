//! A target of the kernel's (LIO), written into configfs.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use ashlar_common::driver::ConnectionInfo;
use serde_json::json;

use crate::machine::{ready, run};

pub(crate) const SECRET: &str = "not-to-be-seen-by-anybody";
const CONFIG: &str = "/sys/kernel/config/target";
const MIB: u64 = 1 << 20;

/// Units behind one name and portal, each a file by way of a loop device. Taken apart when dropped.
pub(crate) struct Target {
    pub(crate) iqn: String,
    port: u16,
    address: String,
    /// Whether units are below device-mapper.
    brake: bool,
    number: u32,
    units: Vec<Unit>,
}

struct Unit {
    lun: u32,
    file: tempfile::NamedTempFile,
    device: String,
    core: PathBuf,
    serial: String,
}

impl Target {
    /// With units 0 and up, of 16 MiB each.
    pub(crate) async fn new(units: u32) -> Self {
        Self::at("127.0.0.1", units).await
    }

    /// With one unit that can be made to hang.
    pub(crate) async fn with_brake() -> Self {
        ready().await;
        run("modprobe", &["dm-mod"], &[1]).await;
        let mut target = Self::at("127.0.0.1", 0).await;
        target.brake = true;
        target.add(0, "braked").await;
        target
    }

    /// No request of the unit ends any more, or all go on. The target itself goes on answering.
    pub(crate) async fn brake(&self, on: bool) {
        let word = if on { "suspend" } else { "resume" };
        run("dmsetup", &[word, "--nolockfs", "--noflush", "--noudevsync", &self.mapped()], &[]).await;
    }

    fn mapped(&self) -> String {
        format!("ashlar-test-{}", self.number)
    }

    /// The same, at another address of this machine.
    pub(crate) async fn at(address: &str, units: u32) -> Self {
        ready().await;
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
        let number = fastrand::u32(1..1 << 30);
        let mut target = Self {
            iqn: format!("iqn.2026-01.ashlar:test-{number}"),
            port,
            address: address.to_owned(),
            brake: false,
            number,
            units: Vec::new(),
        };
        let group = target.group();
        fs::create_dir_all(group.join("np").join(format!("{address}:{port}"))).expect("a portal");
        let acl = group.join("acls").join(initiator());
        fs::create_dir_all(&acl).expect("an ACL");
        put(&acl.join("auth/userid"), "ashlar");
        put(&acl.join("auth/password"), SECRET);
        put(&group.join("attrib/authentication"), "1");
        for lun in 0..units {
            target.add(lun, "first").await;
        }
        put(&group.join("enable"), "1");
        target
    }

    pub(crate) fn portal(&self) -> String {
        format!("{}:{}", self.address, self.port)
    }

    fn group(&self) -> PathBuf {
        Path::new(CONFIG).join("iscsi").join(&self.iqn).join("tpgt_1")
    }

    /// Exports a volume under this number.
    pub(crate) async fn add(&mut self, lun: u32, serial: &str) {
        let file = tempfile::NamedTempFile::new_in("/dev/shm").expect("a file in memory");
        file.as_file().set_len(16 * MIB).expect("its size");
        let path = file.path().to_str().expect("a plain path");
        let made = run("losetup", &["--find", "--show", path], &[]).await;
        let device = String::from_utf8_lossy(&made.stdout).trim().to_owned();
        let number = fastrand::u32(1..1 << 30);
        let core = Path::new(CONFIG).join(format!("core/iblock_{number}")).join(format!("t{number}"));
        fs::create_dir_all(&core).expect("a backstore");
        let mut seen = device.clone();
        if self.brake {
            let table = format!("0 {} linear {device} 0", 16 * MIB / 512);
            run("dmsetup", &["create", "--noudevsync", "--noudevrules", &self.mapped(), "--table", &table], &[]).await;
            let minor = run("dmsetup", &["info", "-c", "--noheadings", "-o", "minor", &self.mapped()], &[]).await;
            // Kept by the kernel, with or without udev.
            seen = format!("/dev/dm-{}", String::from_utf8_lossy(&minor.stdout).trim());
        }
        put(&core.join("control"), &format!("udev_path={seen}"));
        put(&core.join("enable"), "1");
        let serial = format!("{serial}-{}-{lun}", self.number);
        put(&core.join("wwn/vpd_unit_serial"), &serial);
        let (own, theirs) = self.places(lun);
        fs::create_dir_all(&own).expect("a unit");
        symlink(&core, own.join("to")).expect("the unit's backstore");
        fs::create_dir_all(&theirs).expect("the client's unit");
        symlink(&own, theirs.join("to")).expect("the client's unit");
        self.units.push(Unit { lun, file, device, core, serial });
    }

    /// Ends the export of a volume, whoever uses it.
    pub(crate) async fn remove(&mut self, lun: u32) {
        let (own, theirs) = self.places(lun);
        for (folder, link) in [(theirs, true), (own, true)] {
            if link {
                let _ = fs::remove_file(folder.join("to"));
            }
            let _ = fs::remove_dir(&folder);
        }
        let Some(at) = self.units.iter().position(|unit| unit.lun == lun) else { return };
        let unit = self.units.remove(at);
        let _ = fs::remove_dir(&unit.core);
        let _ = fs::remove_dir(unit.core.parent().expect("a parent"));
        if self.brake {
            run("dmsetup", &["remove", "--noudevsync", "--noudevrules", "--retry", &self.mapped()], &[1]).await;
        }
        run("losetup", &["--detach", &unit.device], &[1]).await;
    }

    /// Takes all of it away, as a driver does that fences a client.
    pub(crate) async fn end(&mut self) {
        let group = self.group();
        if !group.exists() {
            return;
        }
        put(&group.join("enable"), "0");
        for lun in self.units.iter().map(|unit| unit.lun).collect::<Vec<_>>() {
            self.remove(lun).await;
        }
        for folder in [
            group.join("acls").join(initiator()),
            group.join("np").join(self.portal()),
            group.clone(),
            group.parent().expect("a parent").to_owned(),
        ] {
            fs::remove_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
        }
    }

    fn places(&self, lun: u32) -> (PathBuf, PathBuf) {
        let (group, name) = (self.group(), format!("lun_{lun}"));
        (group.join("lun").join(&name), group.join("acls").join(initiator()).join(&name))
    }

    /// Lets the client only read.
    pub(crate) fn protect(&self, lun: u32) {
        put(&self.places(lun).1.join("write_protect"), "1");
    }

    /// Makes a volume larger.
    pub(crate) async fn grow(&self, lun: u32, size: u64) {
        let unit = self.units.iter().find(|unit| unit.lun == lun).expect("it is there");
        unit.file.as_file().set_len(size).expect("its size");
        run("losetup", &["--set-capacity", &unit.device], &[]).await;
    }

    /// What the volume holds, by its backend.
    pub(crate) fn bytes(&self, lun: u32) -> Vec<u8> {
        let unit = self.units.iter().find(|unit| unit.lun == lun).expect("it is there");
        fs::read(unit.file.path()).expect("read")
    }

    /// As a driver would tell.
    pub(crate) fn info(&self, lun: u32) -> ConnectionInfo {
        let serial = self.units.iter().find(|unit| unit.lun == lun).map(|unit| unit.serial.clone());
        let data = json!({
            "target_portal": self.portal(), "target_iqn": self.iqn, "target_lun": lun,
            "auth_method": "CHAP", "auth_username": "ashlar", "auth_password": SECRET, "unit_serial": serial,
        });
        let data = data.as_object().expect("an object").clone();
        ConnectionInfo { driver_volume_type: "iscsi".to_owned(), data }
    }
}

/// With another value.
pub(crate) fn with(mut info: ConnectionInfo, key: &str, value: impl Into<serde_json::Value>) -> ConnectionInfo {
    info.data.insert(key.to_owned(), value.into());
    info
}

fn initiator() -> String {
    let connector = ashlar_common::connector::Connectors::default().properties().expect("readable");
    connector.text("initiator").expect("open-iscsi is installed: /etc/iscsi/initiatorname.iscsi").to_owned()
}

fn put(file: &Path, text: &str) {
    fs::write(file, text).unwrap_or_else(|error| panic!("{file:?} = {text}: {error}"));
}

impl Drop for Target {
    fn drop(&mut self) {
        // A test that failed: the next has other names, and the machine is thrown away.
        if !std::thread::panicking() {
            assert!(!self.group().exists(), "a test ends its target");
        }
    }
}
