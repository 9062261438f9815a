use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use super::{Session, Unit, sessions};
use crate::units::ByteCount;

const IQN: &str = "iqn.2026-01.x:a";

/// A tree as the kernel shows it: classes link to devices.
struct Tree(tempfile::TempDir);

impl Tree {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn sys(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let file = self.sys().join(path);
        fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        fs::write(file, text).expect("written");
    }

    fn session(&self, id: u32, iqn: &str, address: &str, state: &str) -> String {
        let device = format!("devices/platform/host{id}/session{id}");
        let class = format!("{device}/iscsi_session/session{id}");
        self.write(&format!("{class}/targetname"), format!("{iqn}\n"));
        self.write(&format!("{class}/state"), format!("{state}\n"));
        self.write(&format!("{class}/target_id"), "0\n");
        let connection = format!("{device}/connection{id}:0/iscsi_connection/connection{id}:0");
        self.write(&format!("{connection}/persistent_address"), format!("{address}\n"));
        self.write(&format!("{connection}/persistent_port"), "3260\n");
        symlink("../..", self.sys().join(format!("{class}/device"))).expect("linked");
        self.write(&format!("class/scsi_host/host{id}/scan"), "");
        let classes = self.sys().join("class/iscsi_session");
        fs::create_dir_all(&classes).expect("made");
        symlink(Path::new("../..").join(class), classes.join(format!("session{id}"))).expect("linked");
        device
    }

    fn unit(&self, device: &str, address: &str, block: Option<&str>) -> PathBuf {
        let host = address.split(':').next().expect("a host");
        let folder = format!("{device}/target{host}:0:0/{address}");
        self.write(&format!("{folder}/vpd_pg80"), b"\0\x80\0\x08SER-1234");
        for file in ["delete", "rescan"] {
            self.write(&format!("{folder}/{file}"), "");
        }
        if let Some(block) = block {
            self.write(&format!("{folder}/block/{block}/size"), "2048\n");
            self.write(&format!("{folder}/block/{block}/dev"), "8:16\n");
            self.write(&format!("{folder}/block/{block}/ro"), "1\n");
        }
        self.sys().join(folder)
    }

    fn sessions(&self) -> Vec<Session> {
        sessions(self.sys(), IQN).expect("looked")
    }
}

#[test]
fn a_machine_without_sessions_has_none() {
    assert!(Tree::new().sessions().is_empty());
}

#[test]
fn sessions_are_told_apart_by_target_and_portal() {
    let tree = Tree::new();
    tree.session(10, IQN, "10.0.0.1", "LOGGED_IN");
    tree.session(9, IQN, "fd00::1", "FAILED");
    // Another target whose name begins in the same way.
    tree.session(11, "iqn.2026-01.x:ab", "10.0.0.1", "LOGGED_IN");
    let found = tree.sessions();
    let seen: Vec<_> = found.iter().map(|session| (session.id, session.is_logged_in())).collect();
    assert_eq!(seen, [(9, false), (10, true)]);
    assert_eq!(found[0].portal, Some("[fd00::1]:3260".parse().expect("an address")));
    assert_eq!(found[1].portal, Some("10.0.0.1:3260".parse().expect("an address")));
}

#[test]
fn a_unit_is_found_by_its_number_alone() {
    let tree = Tree::new();
    let device = tree.session(3, IQN, "10.0.0.1", "LOGGED_IN");
    tree.unit(&device, "3:0:0:1", Some("sdc"));
    tree.unit(&device, "3:0:0:10", Some("sdb"));
    tree.unit(&device, "3:0:0:2", None);
    let session = &tree.sessions()[0];
    let numbers: Vec<_> = session.units().expect("looked").iter().map(|unit| unit.lun).collect();
    assert_eq!(numbers, [1, 2, 10]);
    assert!(session.unit(0).expect("looked").is_none());
    let unit = session.unit(10).expect("looked").expect("it is there");
    assert_eq!(unit.block().expect("looked").as_deref(), Some("sdb"));
    assert_eq!(unit.number().expect("looked").as_deref(), Some("8:16"));
    assert_eq!(unit.size().expect("looked"), ByteCount::new(1 << 20).ok());
    assert_eq!(unit.serial().as_deref(), Some("SER-1234"));
    assert!(unit.is_read_only().expect("looked"));
    let half = session.unit(2).expect("looked").expect("it is there");
    assert_eq!((half.block().expect("looked"), half.size().expect("looked")), (None, None));
}

#[test]
fn only_the_unit_that_is_wanted_is_scanned_for_and_deleted() {
    let tree = Tree::new();
    let device = tree.session(3, IQN, "10.0.0.1", "LOGGED_IN");
    tree.session(4, IQN, "10.0.0.2", "LOGGED_IN");
    let (one, two) = (tree.unit(&device, "3:0:0:1", Some("sda")), tree.unit(&device, "3:0:0:2", Some("sdb")));
    let session = &tree.sessions()[0];
    session.scan(7).expect("scanned");
    let read = |path: PathBuf| fs::read_to_string(path).expect("there");
    assert_eq!(read(tree.sys().join("class/scsi_host/host3/scan")), "0 0 7");
    assert_eq!(read(tree.sys().join("class/scsi_host/host4/scan")), "");
    let unit: Unit = session.unit(2).expect("looked").expect("it is there");
    unit.rescan().expect("rescanned");
    unit.delete().expect("deleted");
    assert_eq!(["rescan", "delete"].map(|file| read(two.join(file))), ["1", "1"]);
    assert_eq!(["rescan", "delete"].map(|file| read(one.join(file))), ["", ""]);
}
