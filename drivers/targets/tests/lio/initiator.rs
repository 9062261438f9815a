//! A client: the machine's own iSCSI initiator, told what a connection tells and nothing else.

use std::{fs, path::PathBuf};

use ashlar_common::driver::ConnectionInfo;
use ashlar_targets::{ClientName, Secret};
use serde_json::Value;

use crate::tools::run;

/// Who this machine is as a client.
pub(crate) fn this_machine() -> ClientName {
    let path = "/etc/iscsi/initiatorname.iscsi";
    let text = fs::read_to_string(path).expect("the initiator's name: install open-iscsi");
    let name = text.lines().find_map(|line| line.strip_prefix("InitiatorName=")).expect("a line InitiatorName=");
    name.trim().parse().expect("a name of a client")
}

/// What the tool refused, in its words.
pub(crate) type Refused = String;

/// One client at one portal.
#[derive(Clone, Debug)]
pub(crate) struct Initiator {
    iface: String,
    target: String,
    portal: String,
    chap: Option<(String, Secret)>,
}

impl Initiator {
    /// By a connection, at its first portal, as this machine.
    pub(crate) fn of(connection: &ConnectionInfo) -> Self {
        assert_eq!(connection.driver_volume_type, "iscsi");
        let text = |key: &str| connection.data.get(key).and_then(Value::as_str).map(ToOwned::to_owned);
        let chap = text("auth_username").zip(text("auth_password").map(Secret::from));
        Self {
            iface: "default".to_owned(),
            target: text("target_iqn").expect("a target"),
            portal: text("target_portal").expect("a portal"),
            chap,
        }
    }

    pub(crate) fn at(self, portal: &str) -> Self {
        Self { portal: portal.to_owned(), ..self }
    }

    pub(crate) fn with_secret(self, secret: &str) -> Self {
        let chap = self.chap.map(|(user, _)| (user, Secret::from(secret.to_owned())));
        Self { chap, ..self }
    }

    pub(crate) fn without_secret(self) -> Self {
        Self { chap: None, ..self }
    }

    /// As another client.
    pub(crate) fn named(self, name: &str) -> Self {
        let iface = format!("as-{}", name.replace([':', '.'], "-"));
        let set = |arguments: &[&str]| {
            run("iscsiadm", &[&["--mode", "iface", "--interface", &iface], arguments].concat()).expect("iscsiadm");
        };
        set(&["--op", "new"]);
        set(&["--op", "update", "--name", "iface.initiatorname", "--value", name]);
        Self { iface, ..self }
    }

    /// Logs in; the disk that appears.
    pub(crate) fn login(&self) -> Result<Session, Refused> {
        self.node(&["--op", "new"])?;
        let mut settings = vec![
            // So that a client that is cut off is told so, and does not wait for the target to come back.
            ("node.session.timeo.replacement_timeout", "1"),
            ("node.session.initial_login_retry_max", "1"),
            ("node.startup", "manual"),
        ];
        if let Some((user, secret)) = &self.chap {
            settings.push(("node.session.auth.authmethod", "CHAP"));
            settings.push(("node.session.auth.username", user));
            settings.push(("node.session.auth.password", secret.reveal()));
        }
        for (name, value) in settings {
            self.node(&["--op", "update", "--name", name, "--value", value])?;
        }
        let session = Session { initiator: self.clone() };
        self.node(&["--login"])?;
        Ok(session)
    }

    fn node(&self, arguments: &[&str]) -> Result<String, Refused> {
        let who =
            ["--mode", "node", "--interface", &self.iface, "--targetname", &self.target, "--portal", &self.portal];
        run("iscsiadm", &[&who[..], arguments].concat()).map_err(|error| error.to_string())
    }
}

/// A session, ended when dropped.
#[derive(Debug)]
pub(crate) struct Session {
    initiator: Initiator,
}

impl Session {
    /// The disk. It appears a moment after the login, once the kernel has asked for what there is.
    pub(crate) fn disk(&self) -> PathBuf {
        for _try in 0..200 {
            // Told of before it can be opened, and for a moment after it has gone.
            let found = self.find().map(|name| PathBuf::from("/dev").join(name));
            if let Some(disk) = found.filter(|disk| fs::File::open(disk).is_ok()) {
                return disk;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("no disk appeared for {}", self.initiator.target);
    }

    fn find(&self) -> Option<String> {
        for session in fs::read_dir("/sys/class/iscsi_session").ok()?.flatten() {
            let target = fs::read_to_string(session.path().join("targetname")).ok()?;
            if target.trim() != self.initiator.target {
                continue;
            }
            let host = fs::canonicalize(session.path().join("device")).ok()?;
            for target in names(&host, "target") {
                let units = names(&host.join(&target), "");
                let mut disks = units.iter().flat_map(|unit| names(&host.join(&target).join(unit).join("block"), "sd"));
                if let Some(disk) = disks.next() {
                    return Some(disk);
                }
            }
        }
        None
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _cut_off_already = self.initiator.node(&["--logout"]);
        let _gone = self.initiator.node(&["--op", "delete"]);
    }
}

fn names(directory: &std::path::Path, start: &str) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).filter(|name| name.starts_with(start)).collect()
}
