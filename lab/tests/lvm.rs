//! A real volume group. These run where device-mapper is: the job `lab-lvm`.

use std::{
    fs::{self, OpenOptions},
    io::{Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use ashlar_lab::lvm::{Disk, Shape, State, ThinPool, VolumeGroup, residue};

fn thin() -> Shape {
    Shape { thin: Some(ThinPool::default()), ..Shape::default() }
}

/// A volume with something in it.
fn pile_up(group: &VolumeGroup) {
    let name = group.name();
    match group.pool() {
        Some(pool) => {
            group.lvm(&["lvcreate", "--virtualsize", "32m", "--thin", "--name", "one", &format!("{name}/{pool}")])
        }
        None => group.lvm(&["lvcreate", "--yes", "--size", "32m", "--name", "one", name]),
    }
    .expect("there is room");
    fs::OpenOptions::new()
        .write(true)
        .open(format!("/dev/{name}/one"))
        .and_then(|mut volume| volume.write_all(&[7; 4096]))
        .expect("it takes writes");
}

#[test]
fn a_group_goes_with_all_that_is_on_it() {
    let before = residue();
    let group = VolumeGroup::raise(thin()).unwrap();
    assert_eq!(group.residue().unwrap(), Vec::<String>::new());
    pile_up(&group);
    let on_it = group.residue().unwrap();
    assert!(on_it.contains(&"volume one".to_owned()) && on_it.len() == 2, "{on_it:?}");
    assert_ne!(residue(), before);
    drop(group);
    assert_eq!(residue(), before);
}

#[test]
fn targets_and_sessions_on_a_group_go_with_it() {
    const TARGET: &str = "iqn.2026-01.io.ashlar.lab:test";
    let before = residue();
    let group = VolumeGroup::raise(Shape::default()).unwrap();
    pile_up(&group);
    let core = Path::new("/sys/kernel/config/target/core/iblock_77/one");
    let portals = Path::new("/sys/kernel/config/target/iscsi").join(TARGET).join("tpgt_1");
    fs::create_dir_all(core).unwrap();
    let device = format!("/dev/{}/one", group.name());
    fs::write(core.join("control"), format!("udev_path={device}")).unwrap();
    fs::write(core.join("udev_path"), &device).unwrap();
    fs::write(core.join("enable"), "1").unwrap();
    fs::create_dir_all(portals.join("lun/lun_0")).unwrap();
    std::os::unix::fs::symlink(core, portals.join("lun/lun_0/one")).unwrap();
    fs::create_dir_all(portals.join("np/127.0.0.1:3261")).unwrap();
    for (attribute, value) in [("generate_node_acls", "1"), ("demo_mode_write_protect", "0"), ("authentication", "0")] {
        fs::write(portals.join("attrib").join(attribute), value).unwrap();
    }
    fs::write(portals.join("enable"), "1").unwrap();
    iscsiadm(&["--mode", "discovery", "--type", "sendtargets", "--portal", "127.0.0.1:3261"]);
    iscsiadm(&["--mode", "node", "--targetname", TARGET, "--login"]);
    assert!(residue().iter().any(|line| line.contains("session") && line.contains(TARGET)), "{:?}", residue());
    drop(group);
    assert_eq!(residue(), before);
}

#[expect(clippy::disallowed_methods, reason = "the initiator is what is tested with")]
fn iscsiadm(words: &[&str]) {
    let output = std::process::Command::new("iscsiadm").args(words).output().expect("it is installed");
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_standing_group_is_clean_for_the_next() {
    let group = VolumeGroup::standing(thin()).unwrap();
    pile_up(&group);
    let (name, device) = (group.name().to_owned(), group.device().to_owned());
    drop(group);
    let again = VolumeGroup::standing(thin()).unwrap();
    assert_eq!((again.name(), again.device()), (name.as_str(), device.as_path()), "it is the same");
    assert_eq!(again.residue().unwrap(), Vec::<String>::new());
}

#[test]
fn a_disk_fails_and_works_again() {
    let group = VolumeGroup::raise(Shape { on: Disk::Mapped, ..Shape::default() }).unwrap();
    pile_up(&group);
    let volume = format!("/dev/{}/one", group.name());
    group.disk(State::Fails).unwrap();
    assert!(direct(Path::new(&volume)).is_err());
    group.disk(State::Hangs).unwrap();
    group.disk(State::Slow(5)).unwrap();
    assert!(direct(Path::new(&volume)).is_ok());
    group.disk(State::Works).unwrap();
    assert!(direct(Path::new(&volume)).is_ok());
    group.disk(State::Hangs).unwrap();
    // Taken down also while its disk answers nothing.
}

/// Writes past the cache.
fn direct(path: &Path) -> std::io::Result<()> {
    const O_SYNC: i32 = 0o4_010_000;
    OpenOptions::new().write(true).custom_flags(O_SYNC).open(path)?.write_all(&[1; 4096])
}

#[test]
fn a_pool_whose_metadata_is_full_takes_no_volume() {
    let group = VolumeGroup::raise(thin()).unwrap();
    group.exhaust_metadata().unwrap();
    let pool = format!("{}/{}", group.name(), ThinPool::NAME);
    assert!(group.lvm(&["lvcreate", "--virtualsize", "32m", "--thin", "--name", "one", &pool]).is_err());
}

#[test]
fn what_a_volume_holds_is_read_back() {
    let group = VolumeGroup::standing(Shape::default()).unwrap();
    pile_up(&group);
    let mut bytes = [0; 4096];
    fs::File::open(format!("/dev/{}/one", group.name())).unwrap().read_exact(&mut bytes).unwrap();
    assert_eq!(bytes, [7; 4096]);
}
