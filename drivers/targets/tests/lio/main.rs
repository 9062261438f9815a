//! LIO with a real initiator. It takes a machine with LIO, loop devices, configfs and a running iscsid, such as the lab's.

mod disk;
mod initiator;
mod tools;

use std::{fs, net::SocketAddr, path::Path};

use ashlar_common::{
    driver::AccessMode,
    ids::{AttachmentId, VolumeId},
};
use ashlar_targets::{Credentials, Export, ExportName, Lio, Naming, Target};

use crate::{
    disk::{Device, SIZE, read_byte, write_block},
    initiator::{Initiator, this_machine},
};

const CONFIGFS: &str = "/sys/kernel/config";
const PORTAL: &str = "127.0.0.1:3260";

/// A target with a backend of its own, so that tests see only what is theirs.
struct Stand {
    lio: Lio,
    backend: String,
}

impl Stand {
    fn new() -> Self {
        Self::at(&[PORTAL])
    }

    fn at(portals: &[&str]) -> Self {
        Self::of(&VolumeId::new().to_string()[..8], portals)
    }

    fn of(backend: &str, portals: &[&str]) -> Self {
        let portals = portals.iter().map(|portal| portal.parse::<SocketAddr>().expect("an address")).collect();
        let naming = Naming::new("iqn.2026-11.org.ashlar", backend).expect("names");
        let lio = Lio::new(Path::new(CONFIGFS), naming, portals).expect("a target");
        lio.available().expect("this test runs in a machine with LIO: see the job's lab");
        Self { lio, backend: backend.to_owned() }
    }

    fn folder(&self, export: &Export) -> std::path::PathBuf {
        let target = format!("iqn.2026-11.org.ashlar:{}:{}", self.backend, export.name);
        Path::new(CONFIGFS).join("target/iscsi").join(target).join("tpgt_1")
    }

    fn login(&self, export: &Export) -> initiator::Session {
        Initiator::of(&self.lio.connection(export)).login().expect("a login")
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        for name in self.lio.list().expect("a list") {
            let _told_by_the_test = self.lio.withdraw(name);
        }
    }
}

fn export(device: &Device) -> Export {
    Export {
        name: ExportName(AttachmentId::new()),
        volume: VolumeId::new(),
        device: device.path.clone(),
        mode: AccessMode::ReadWrite,
        client: this_machine(),
        credentials: Some(Credentials::draw_chap().expect("random")),
        discard: true,
    }
}

#[test]
fn the_client_with_the_right_secret_reads_and_writes_the_bytes() {
    let (device, stand) = (Device::of(7), Stand::new());
    let export = export(&device);
    assert!(stand.lio.ensure(&export).expect("made"));
    let session = stand.login(&export);
    let disk = session.disk();
    assert_eq!(read_byte(&disk, SIZE - 1).expect("reads"), 7);
    write_block(&disk, 4096, 9).expect("writes");
    assert_eq!((device.byte_at(4095), device.byte_at(4096), device.byte_at(8191), device.byte_at(8192)), (7, 9, 9, 7));
}

#[test]
fn no_other_secret_and_no_other_client_gets_in() {
    let (device, stand) = (Device::of(7), Stand::new());
    let export = export(&device);
    stand.lio.ensure(&export).expect("made");
    let client = Initiator::of(&stand.lio.connection(&export));
    client.clone().with_secret("0123456789abcdef").login().expect_err("another secret");
    client.clone().without_secret().login().expect_err("no secret");
    client.clone().named(&format!("iqn.2026-11.org.example:{}", export.name)).login().expect_err("another client");
    client.login().expect("the client it is for");
}

#[test]
fn without_credentials_only_the_client_gets_in() {
    let (device, stand) = (Device::of(7), Stand::new());
    let export = Export { credentials: None, ..export(&device) };
    stand.lio.ensure(&export).expect("made");
    let client = Initiator::of(&stand.lio.connection(&export));
    client.clone().named(&format!("iqn.2026-11.org.example:{}", export.name)).login().expect_err("another client");
    assert_eq!(read_byte(&client.login().expect("a login").disk(), 0).expect("reads"), 7);
}

#[test]
fn who_may_only_read_cannot_write_even_when_its_own_kernel_lets_it() {
    let (device, stand) = (Device::of(7), Stand::new());
    let export = Export { mode: AccessMode::ReadOnly, ..export(&device) };
    stand.lio.ensure(&export).expect("made");
    let session = stand.login(&export);
    let disk = session.disk();
    assert_eq!(read_byte(&disk, 0).expect("reads"), 7);
    tools::run("blockdev", &["--setrw", disk.to_str().expect("UTF-8")]).expect("the client's own kernel");
    write_block(&disk, 4096, 9).expect_err("written");
    assert_eq!(device.byte_at(4096), 7);
}

#[test]
fn a_withdrawn_export_cuts_off_its_client_and_leaves_nothing() {
    let (device, stand) = (Device::of(7), Stand::new());
    let export = export(&device);
    stand.lio.ensure(&export).expect("made");
    let session = stand.login(&export);
    let disk = session.disk();
    let open = fs::File::options().read(true).write(true).open(&disk).expect("opens");
    assert!(stand.lio.withdraw(export.name).expect("withdrawn"));
    assert_eq!(stand.lio.list().expect("a list"), []);
    std::os::unix::fs::FileExt::write_all_at(&open, &[9; 4096], 4096)
        .and_then(|()| open.sync_all())
        .expect_err("cut off");
    assert_eq!(device.byte_at(4096), 7);
    drop((open, session));
    Initiator::of(&stand.lio.connection(&export)).login().expect_err("no such target");
    assert!(!stand.lio.withdraw(export.name).expect("withdrawn again"));
}

#[test]
fn two_exports_of_one_device_are_independent() {
    let (device, stand) = (Device::of(7), Stand::new());
    // As the driver does: each has a device of its own over the same bytes.
    let other = tools::run("losetup", &["--find", "--show", device.path.to_str().expect("UTF-8")]).expect("a device");
    let (one, two) = (export(&device), Export { device: other.clone().into(), ..export(&device) });
    for export in [&one, &two] {
        stand.lio.ensure(export).expect("made");
    }
    let (first, second) = (stand.login(&one), stand.login(&two));
    let disks = (first.disk(), second.disk());
    assert_ne!(disks.0, disks.1);
    stand.lio.withdraw(one.name).expect("withdrawn");
    assert_eq!(stand.lio.list().expect("a list"), [two.name]);
    write_block(&disks.1, 4096, 9).expect("the other goes on");
    assert_eq!(read_byte(&disks.1, 4096).expect("reads"), 9);
    drop((first, second));
    stand.lio.withdraw(two.name).expect("withdrawn");
    tools::run("losetup", &["--detach", &other]).expect("detached");
}

#[test]
fn a_repeat_changes_nothing_and_cuts_off_nobody() {
    let (device, stand) = (Device::of(7), Stand::new());
    let export = export(&device);
    assert!(stand.lio.ensure(&export).expect("made"));
    let session = stand.login(&export);
    assert!(!stand.lio.ensure(&export).expect("is made"));
    assert_eq!(read_byte(&session.disk(), 0).expect("reads"), 7);
    assert_eq!(stand.lio.connection(&export), stand.lio.connection(&export));
}

/// Each is what a crash, or a hand, can leave.
#[test]
fn what_is_missing_or_wrong_is_mended() {
    let (device, stand) = (Device::of(7), Stand::new());
    let export = export(&device);
    stand.lio.ensure(&export).expect("made");
    let at = stand.folder(&export);
    let client = at.join("acls").join(export.client.as_str());
    let only_link = |folder: &Path| {
        let entries = fs::read_dir(folder).expect("lists").flatten();
        let links: Vec<_> = entries.map(|entry| entry.path()).filter(|path| path.is_symlink()).collect();
        assert_eq!(links.len(), 1, "{folder:?}");
        links[0].clone()
    };
    let damages: [(&str, &dyn Fn()); 6] = [
        ("disabled", &|| fs::write(at.join("enable"), "0").expect("disables")),
        ("no portal", &|| fs::remove_dir(at.join("np").join(PORTAL)).expect("removes")),
        ("other secret", &|| fs::write(client.join("auth/password"), "other").expect("writes")),
        ("no client", &|| {
            fs::remove_file(only_link(&client.join("lun_0"))).expect("unlinks");
            fs::remove_dir(client.join("lun_0")).expect("removes");
            fs::remove_dir(&client).expect("removes");
        }),
        ("another client", &|| fs::create_dir(at.join("acls/iqn.2026-11.org.example:other")).expect("makes")),
        ("open to all", &|| fs::write(at.join("attrib/generate_node_acls"), "1").expect("writes")),
    ];
    for (damage, harm) in damages {
        harm();
        assert!(stand.lio.ensure(&export).expect(damage), "{damage}");
        assert!(!stand.lio.ensure(&export).expect(damage), "{damage}");
    }
    assert_eq!(fs::read_dir(at.join("acls")).expect("lists").count(), 1);
    assert_eq!(read_byte(&stand.login(&export).disk(), 0).expect("reads"), 7);
}

#[test]
fn half_an_export_is_found_and_removed() {
    let (device, stand) = (Device::of(7), Stand::new());
    let (one, two) = (export(&device), export(&device));
    stand.lio.ensure(&one).expect("made");
    // Only the target, and only the folder of a target.
    let target = stand.folder(&two);
    fs::create_dir_all(&target).expect("makes");
    assert_eq!(stand.lio.list().expect("a list").len(), 2);
    assert!(stand.lio.withdraw(two.name).expect("withdrawn"));
    // Only the device.
    let at = stand.folder(&one);
    fs::write(at.join("enable"), "0").expect("disables");
    let (link, lun) = (at.join("acls").join(one.client.as_str()).join("lun_0"), at.join("lun/lun_0"));
    for folder in [&link, &lun] {
        let entries: Vec<_> = fs::read_dir(folder).expect("lists").flatten().map(|entry| entry.path()).collect();
        entries.iter().filter(|path| path.is_symlink()).for_each(|path| fs::remove_file(path).expect("unlinks"));
        fs::remove_dir(folder).expect("removes");
    }
    fs::remove_dir(link.parent().expect("a client")).expect("removes");
    fs::remove_dir(at.join("np").join(PORTAL)).expect("removes");
    fs::remove_dir(&at).expect("removes");
    fs::remove_dir(at.parent().expect("a target")).expect("removes");
    assert_eq!(stand.lio.list().expect("a list"), [one.name]);
    assert!(stand.lio.withdraw(one.name).expect("withdrawn"));
    assert_eq!(stand.lio.list().expect("a list"), []);
}

#[test]
fn another_device_or_mode_takes_the_place_of_the_first() {
    let (device, other, stand) = (Device::of(7), Device::of(8), Stand::new());
    let first = export(&device);
    stand.lio.ensure(&first).expect("made");
    let second = Export { device: other.path.clone(), mode: AccessMode::ReadOnly, ..first.clone() };
    assert!(stand.lio.ensure(&second).expect("made anew"));
    assert!(!stand.lio.ensure(&second).expect("is made"));
    let session = stand.login(&second);
    assert_eq!(read_byte(&session.disk(), 0).expect("reads"), 8);
}

#[test]
fn every_portal_leads_to_the_bytes() {
    let portals = ["127.0.0.1:3260", "127.0.0.1:3261", "[::1]:3260"];
    let (device, stand) = (Device::of(7), Stand::at(&portals));
    let export = export(&device);
    stand.lio.ensure(&export).expect("made");
    let connection = stand.lio.connection(&export);
    assert_eq!(connection.data["target_portals"], serde_json::json!(portals));
    assert_eq!(connection.data["target_luns"], serde_json::json!([0, 0, 0]));
    for portal in portals {
        let session = Initiator::of(&connection).at(portal).login().expect(portal);
        assert_eq!(read_byte(&session.disk(), 0).expect("reads"), 7, "{portal}");
    }
    // A portal that is no longer configured goes.
    let fewer = Stand::of(&stand.backend, &portals[..1]);
    assert!(fewer.lio.ensure(&export).expect("mended"));
    assert_eq!(fs::read_dir(stand.folder(&export).join("np")).expect("lists").count(), 1);
}

#[test]
fn each_backend_sees_its_own_exports_only() {
    let (device, other) = (Device::of(7), Device::of(7));
    let (one, two) = (Stand::new(), Stand::new());
    let (mine, theirs) = (export(&device), export(&other));
    one.lio.ensure(&mine).expect("made");
    two.lio.ensure(&theirs).expect("made");
    assert_eq!(one.lio.list().expect("a list"), [mine.name]);
    assert!(!one.lio.withdraw(theirs.name).expect("not there"));
    assert_eq!(two.lio.list().expect("a list"), [theirs.name]);
}
