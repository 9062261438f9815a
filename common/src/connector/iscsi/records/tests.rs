use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{amended, find, remove, settings};
use crate::connector::{
    connectors::Machine,
    iscsi::told::{Chap, Route},
};

const IQN: &str = "iqn.2026-01.x:a";

fn machine(root: &Path) -> Machine {
    Machine { records: vec![root.join("none"), root.join("nodes")], ..Machine::default() }
}

fn route() -> Route {
    Route { iqn: IQN.to_owned(), portal: "10.0.0.1:3260".parse().expect("an address"), lun: 0 }
}

fn chap() -> Chap {
    Chap { username: "u".to_owned(), password: "secret = #1".to_owned() }
}

/// As iscsiadm makes it, shortened.
const MADE: &str = "# BEGIN RECORD 2.1.8\nnode.name = iqn.2026-01.x:a\nnode.startup = automatic\n\
                    node.session.auth.authmethod = None\nnode.conn[0].timeo.login_timeout = 15\n# END RECORD\n";

fn record(root: &Path, name: &str) -> PathBuf {
    let file = root.join("nodes").join(IQN).join(name);
    fs::create_dir_all(file.parent().expect("a folder")).expect("made");
    fs::write(&file, MADE).expect("written");
    file
}

#[test]
fn our_settings_replace_those_of_the_host() {
    insta::assert_snapshot!(amended(MADE, &settings(Some(&chap()), Duration::from_secs(30))), @r"
    # BEGIN RECORD 2.1.8
    node.name = iqn.2026-01.x:a
    node.startup = manual
    node.session.scan = manual
    node.session.timeo.replacement_timeout = 30
    node.conn[0].timeo.login_timeout = 10
    node.session.initial_login_retry_max = 0
    node.session.auth.authmethod = CHAP
    node.session.auth.username = u
    node.session.auth.password = secret = #1
    # END RECORD
    ");
    let once = amended(MADE, &settings(None, Duration::from_secs(30)));
    assert!(once.contains("authmethod = None"), "what the host's own configuration says stays: {once}");
    assert_eq!(amended(&once, &settings(None, Duration::from_secs(30))), once);
}

#[test]
fn records_of_the_portal_are_found_whether_they_have_a_tag_or_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let machine = machine(folder.path());
    assert_eq!(find(&machine, &route()).expect("looked"), []);
    let names = ["10.0.0.1,3260", "10.0.0.1,3260,1/default", "10.0.0.1,32601", "10.0.0.2,3260,1/default"];
    let folders = [names[1], names[3]].map(|name| record(folder.path(), name));
    let mut found: Vec<_> = find(&machine, &route()).expect("looked").into_iter().map(|record| record.file).collect();
    assert_eq!(found, folders[..1]);
    fs::remove_dir_all(folders[0].parent().expect("a folder")).expect("removed");
    let files = [names[0], names[2]].map(|name| record(folder.path(), name));
    found = find(&machine, &route()).expect("looked").into_iter().map(|record| record.file).collect();
    assert_eq!(found, files[..1]);
}

#[test]
fn a_secret_is_for_root_alone_and_goes_with_its_record() {
    for name in ["10.0.0.1,3260", "10.0.0.1,3260,1/default"] {
        let folder = tempfile::tempdir().expect("a folder");
        let machine = machine(folder.path());
        let file = record(folder.path(), name);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("set");
        let [found] = <[_; 1]>::try_from(find(&machine, &route()).expect("looked")).expect("one");
        // What a crash left does not stand in the way, nor does it stay.
        fs::write(found.staged(), "half").expect("written");
        for _ in 0..2 {
            found.settle(&settings(Some(&chap()), Duration::from_secs(30))).expect("settled");
            let text = fs::read_to_string(&file).expect("there");
            assert!(text.contains("password = secret = #1\n"), "{text}");
            assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
            assert!(!found.staged().exists());
        }
        fs::write(found.staged(), "half").expect("written");
        for _ in 0..2 {
            remove(&machine, &route()).expect("removed");
            assert_eq!(fs::read_dir(folder.path().join("nodes")).expect("there").count(), 0, "{name}");
        }
    }
}

#[test]
fn records_of_other_portals_stay() {
    let folder = tempfile::tempdir().expect("a folder");
    let machine = machine(folder.path());
    record(folder.path(), "10.0.0.1,3260,1/default");
    let other = record(folder.path(), "10.0.0.2,3260,1/default");
    remove(&machine, &route()).expect("removed");
    assert!(other.exists());
    assert_eq!(find(&machine, &route()).expect("looked"), []);
}
