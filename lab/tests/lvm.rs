//! Volume groups that tests can break. In a machine of the lab, or on a host whose kernel has device-mapper.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
    path::Path,
};

use ashlar_lab::lvm::{Shape, ThinPool, VolumeGroup, take_down_all};

const SHAPE: Shape = Shape { size_mib: 96, extent_kib: 64, thin: Some(ThinPool { size_mib: 64, metadata_kib: 2048 }) };

fn percent(group: &VolumeGroup, field: &str) -> f64 {
    let text = group.lvm(&[&format!("lvs --noheadings --options {field} {}/pool", group.name())]).expect("LVM runs");
    text.trim().parse().unwrap_or_else(|_| panic!("{field} is {text:?}"))
}

fn make(group: &VolumeGroup, volume: &str) -> String {
    group
        .lvm(&[&format!("lvcreate --type thin -V 8m --thinpool pool -n {volume} {}", group.name())])
        .expect("LVM runs");
    format!("/dev/mapper/{}-{volume}", group.name())
}

#[test]
fn a_volume_group_that_stands_is_found_again_and_is_empty() {
    let group = VolumeGroup::standing(&SHAPE).unwrap();
    let (name, device) = (group.name().to_owned(), make(&group, "v1"));
    File::options().write(true).open(&device).unwrap().write_all_at(&[7; 4096], 0).unwrap();
    assert_eq!(group.volumes().unwrap(), ["v1"]);
    assert_eq!(group.residue().unwrap(), ["volume v1"]);
    drop(group);

    let again = VolumeGroup::standing(&SHAPE).unwrap();
    assert_eq!(again.name(), name);
    assert_eq!(again.residue().unwrap(), Vec::<String>::new());
    let another = VolumeGroup::standing(&SHAPE).unwrap();
    assert_ne!(another.name(), name, "two at once are two");
    drop((again, another));
    take_down_all().unwrap();
    assert!(!Path::new(&format!("/dev/mapper/{name}-pool")).exists());
}

#[test]
fn what_is_of_no_volume_is_told() {
    let group = VolumeGroup::standing(&SHAPE).unwrap();
    make(&group, "v-1");
    assert_eq!(group.strays().unwrap(), Vec::<String>::new(), "a volume's own devices are none");
    let (name, target) = (group.name(), format!("iqn.2026-01.org.example:{}:x", group.name()));
    let places = [
        Path::new("/etc/iscsi/nodes").join(&target),
        Path::new("/sys/kernel/config/target/iscsi").join(&target),
        Path::new("/sys/kernel/config/target/core/iblock_4711").join(format!("ashlar-{name}-x")),
    ];
    places.iter().for_each(|place| fs::create_dir_all(place).unwrap());
    let mut found = group.strays().unwrap();
    found.sort();
    places.iter().for_each(|place| fs::remove_dir(place).unwrap());
    assert_eq!(found, [format!("backstore ashlar-{name}-x"), format!("record {target}"), format!("target {target}")]);
    assert_eq!(group.strays().unwrap(), Vec::<String>::new());
}

#[test]
fn a_physical_volume_fails_and_is_well_again() {
    let group = VolumeGroup::standing(&SHAPE).unwrap();
    let device = make(&group, "v1");
    let file = File::options().read(true).write(true).open(&device).unwrap();
    file.write_all_at(&[7; 4096], 0).and_then(|()| file.sync_all()).unwrap();
    let pv = File::open(group.physical_volume()).unwrap();
    group.begin_outage().unwrap();
    rustix::fs::fadvise(&pv, 0, None, rustix::fs::Advice::DontNeed).unwrap();
    assert!(pv.read_exact_at(&mut [0; 4096], 1 << 20).is_err());
    group.well_again().unwrap();
    pv.read_exact_at(&mut [0; 4096], 1 << 20).unwrap();
}

#[test]
fn metadata_is_used_up_and_given_back() {
    let group = VolumeGroup::standing(&SHAPE).unwrap();
    make(&group, "v1");
    let before = percent(&group, "metadata_percent");
    assert!(before < 20.0, "{before}");
    group.fill_metadata().unwrap();
    assert!(percent(&group, "metadata_percent") > 99.0);
    group.lvm(&[&format!("lvremove --yes {}/v1", group.name())]).expect("LVM runs");
    assert_eq!(group.volumes().unwrap(), Vec::<String>::new(), "what is there can still be removed");
    group.release_metadata().unwrap();
    assert!(percent(&group, "metadata_percent") < 20.0);
    make(&group, "v2");
    assert_eq!(group.volumes().unwrap(), ["v2"]);
}
