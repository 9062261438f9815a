//! The machine that the tests run on: what it must have, and what is on it.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use ashlar_common::{
    connector::Connectors,
    driver::OpCtx,
    exec::{Output, Program},
    ids::OpId,
};
use tokio_util::sync::CancellationToken;

/// Nothing takes this long but what hangs.
const LIMIT: Duration = Duration::from_secs(170);
/// iscsid listens here, in the abstract namespace.
const SOCKET: &str = "@ISCSIADM_ABSTRACT_NAMESPACE";

pub(crate) fn ctx() -> OpCtx {
    lasting(LIMIT)
}

pub(crate) fn lasting(limit: Duration) -> OpCtx {
    OpCtx::new(OpId::new(), limit, CancellationToken::new())
}

/// Fails where the tests cannot be run, with what is missing.
pub(crate) async fn ready() {
    let configfs = Path::new("/sys/kernel/config");
    if rustix::process::geteuid().is_root() {
        // A machine without udev loads nothing by itself.
        for module in ["target_core_mod", "iscsi_target_mod", "target_core_iblock", "iscsi_tcp", "sd_mod", "loop"] {
            run("modprobe", &[module], &[1]).await;
        }
        run("mount", &["-t", "configfs", "none", "/sys/kernel/config"], &[32]).await;
    }
    assert!(
        configfs.join("target").exists(),
        "this kernel has no iSCSI target (LIO), or this is not root: run the tests on a machine of `cargo xtask lab up lvm`"
    );
    fs::create_dir_all(configfs.join("target/iscsi")).expect("iscsi_target_mod is loaded: modprobe it");
    if !listens() {
        // Of several at once, one stays.
        run("iscsid", &[], &[1]).await;
    }
    for _ in 0..200 {
        if listens() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("iscsid does not start here: apt-get install open-iscsi, and see /var/log/syslog");
}

fn listens() -> bool {
    fs::read_to_string("/proc/net/unix").is_ok_and(|sockets| sockets.contains(SOCKET))
}

pub(crate) async fn run(program: &'static str, words: &[&str], accepted: &[i32]) -> Output {
    let program = Program::find(program).unwrap_or_else(|error| panic!("{error}"));
    program.run(words).accept(accepted.iter().copied()).output(&ctx()).await.unwrap_or_else(|error| panic!("{error}"))
}

/// Connectors of this machine, with little patience for what is gone.
pub(crate) fn connectors() -> Connectors {
    Connectors::default().patience(Duration::from_secs(5))
}

/// Numbers of the sessions with a target.
pub(crate) fn sessions(iqn: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir("/sys/class/iscsi_session") else { return Vec::new() };
    let names = entries
        .flatten()
        .filter(|entry| fs::read_to_string(entry.path().join("targetname")).is_ok_and(|name| name.trim() == iqn));
    names.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// Records of a target.
pub(crate) fn records(iqn: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new("/etc/iscsi/nodes").join(iqn)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() { folders.push(entry.path()) } else { found.push(entry.path()) }
        }
    }
    found
}

/// Fails when anything of a target is left on this host.
pub(crate) fn assert_nothing_left(iqn: &str, device: Option<&Path>) {
    assert!(sessions(iqn).is_empty(), "sessions of {iqn}");
    assert!(records(iqn).is_empty(), "records of {iqn}: {:?}", records(iqn));
    assert!(!Path::new("/etc/iscsi/nodes").join(iqn).exists(), "the folder of records of {iqn}");
    if let Some(device) = device {
        let name = device.file_name().expect("a name");
        assert!(!Path::new("/sys/class/block").join(name).exists(), "{device:?}");
    }
}
