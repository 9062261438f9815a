//! What this host says of itself.

use std::net::UdpSocket;

use serde_json::{Map, Value, json};

use super::{
    connectors::{Machine, read},
    error::Error,
};
use crate::driver::Connector;

/// os-brick's connector properties, without those of protocols that are not spoken here.
pub(super) fn of(machine: &Machine) -> Result<Connector, Error> {
    let system = rustix::system::uname();
    let mut properties = Map::from_iter([
        ("host".to_owned(), json!(system.nodename().to_string_lossy())),
        ("ip".to_owned(), json!(address())),
        ("platform".to_owned(), json!(system.machine().to_string_lossy())),
        ("os_type".to_owned(), json!("linux")),
        ("multipath".to_owned(), Value::Bool(false)),
        ("do_local_attach".to_owned(), Value::Bool(false)),
    ]);
    if let Some(name) = initiator(machine)? {
        properties.insert("initiator".to_owned(), json!(name));
    }
    if let Some(name) = read(&machine.etc.join("nvme/hostnqn"))?.filter(|name| !name.is_empty()) {
        properties.insert("nqn".to_owned(), json!(name));
    }
    Ok(Connector(properties))
}

/// This host's iSCSI name, where open-iscsi is installed.
pub(super) fn initiator(machine: &Machine) -> Result<Option<String>, Error> {
    let text = read(&machine.etc.join("iscsi/initiatorname.iscsi"))?.unwrap_or_default();
    let named = text.lines().find_map(|line| line.trim().strip_prefix("InitiatorName="));
    Ok(named.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()))
}

/// The address that packets to elsewhere would leave from. Connecting a datagram socket only looks up the route;
/// nothing is sent. The destination is of the block for documentation, which nobody has.
fn address() -> String {
    let found = ["192.0.2.1:9", "[2001:db8::1]:9"].into_iter().find_map(|elsewhere| {
        let any = if elsewhere.starts_with('[') { "[::]:0" } else { "0.0.0.0:0" };
        let socket = UdpSocket::bind(any).ok()?;
        socket.connect(elsewhere).ok()?;
        Some(socket.local_addr().ok()?.ip().to_string())
    });
    found.unwrap_or_else(|| "127.0.0.1".to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::of;
    use crate::connector::Machine;

    #[test]
    fn names_are_told_where_the_machine_has_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let machine = Machine { etc: folder.path().to_owned(), ..Machine::default() };
        let bare = of(&machine).expect("properties");
        assert_eq!((bare.text("initiator"), bare.text("nqn")), (None, None));
        assert!(bare.host().is_some_and(|host| !host.is_empty()));
        assert!(bare.text("ip").is_some_and(|ip| ip.parse::<std::net::IpAddr>().is_ok()), "{bare:?}");
        fs::create_dir_all(folder.path().join("iscsi")).expect("made");
        fs::create_dir_all(folder.path().join("nvme")).expect("made");
        let text = "## a comment\nInitiatorName=iqn.1993-08.org.debian:01:abc \n";
        fs::write(folder.path().join("iscsi/initiatorname.iscsi"), text).expect("written");
        fs::write(folder.path().join("nvme/hostnqn"), "nqn.2014-08.org.nvmexpress:uuid:1\n").expect("written");
        let full = of(&machine).expect("properties");
        assert_eq!(full.text("initiator"), Some("iqn.1993-08.org.debian:01:abc"));
        assert_eq!(full.text("nqn"), Some("nqn.2014-08.org.nvmexpress:uuid:1"));
    }
}
