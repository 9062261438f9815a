//! Ports: one an address, which the subsystems of all backends share.

use std::net::{IpAddr, SocketAddr};

use crate::{configfs::Node, error::Error};

/// Numbers of the ports that we make, out of the way of those that people give (1, 2, ..).
const OURS: std::ops::Range<u32> = 45_000..46_000;

/// Finds the port of that address, or makes it; its name.
pub(super) fn ensure(ports: &Node, portal: SocketAddr) -> Result<String, Error> {
    let wanted = address(portal);
    for name in ports.directories()? {
        let port = ports.child(&name)?;
        let mut same = true;
        for (attribute, value) in &wanted {
            same &= port.read(attribute)?.as_deref() == Some(value.as_str());
        }
        if same {
            return Ok(name);
        }
    }
    for number in OURS {
        let name = number.to_string();
        let port = ports.child(&name)?;
        if port.make()? {
            for (attribute, value) in &wanted {
                port.set(attribute, value)?;
            }
            return Ok(name);
        }
    }
    Err(Error::Unsupported { what: "there is no free number for one more NVMe port" })
}

/// Removes the ports that we made and that have no subsystem any more.
pub(super) fn remove_unused(ports: &Node) -> Result<(), Error> {
    for name in ports.directories()? {
        if name.parse::<u32>().is_ok_and(|number| OURS.contains(&number)) {
            ports.child(&name)?.remove_unused()?;
        }
    }
    Ok(())
}

fn address(portal: SocketAddr) -> [(&'static str, String); 4] {
    let family = if matches!(portal.ip(), IpAddr::V4(_)) { "ipv4" } else { "ipv6" };
    [
        ("addr_trtype", "tcp".to_owned()),
        ("addr_adrfam", family.to_owned()),
        ("addr_traddr", portal.ip().to_string()),
        ("addr_trsvcid", portal.port().to_string()),
    ]
}
