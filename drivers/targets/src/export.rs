//! What is exported, to whom, and under which name.

use std::{fmt, path::PathBuf, str::FromStr};

use ashlar_common::{
    driver::AccessMode,
    ids::{AttachmentId, VolumeId},
};

use crate::{error::Error, secret::Credentials};

/// The longest name of a client, as iSCSI (RFC 7143) and NVMe both have it.
const MAX_CLIENT: usize = 223;

/// Which export: each attachment has its own, so that one can be cut off without the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExportName(pub AttachmentId);

impl fmt::Display for ExportName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A block device of this machine, for one client.
#[derive(Clone, Debug)]
pub struct Export {
    /// The attachment that it is for.
    pub name: ExportName,
    /// The volume, which clients may be told.
    pub volume: VolumeId,
    /// The device. It must stay until the export is withdrawn.
    pub device: PathBuf,
    /// What the client may do.
    pub mode: AccessMode,
    /// Who may connect.
    pub client: ClientName,
    /// What the client has to know, where it must prove who it is.
    pub credentials: Option<Credentials>,
    /// Whether the device takes discards.
    pub discard: bool,
}

/// The name a client gives itself: its initiator's IQN, or its host NQN.
///
/// It comes from outside and becomes the name of a directory, so that it is checked: 1 to 223 letters, digits and
/// `. : - _`, and it starts as such names do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientName(String);

impl ClientName {
    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ClientName {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let starts_well = ["iqn.", "eui.", "naa.", "nqn."].iter().any(|start| text.starts_with(start));
        let only_known = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".:-_".contains(&byte));
        if starts_well && only_known && text.len() <= MAX_CLIENT {
            return Ok(Self(text.to_owned()));
        }
        let rule = "it starts with iqn., eui., naa. or nqn. and has at most 223 letters, digits and . : - _";
        Err(Error::BadName { what: "the name of a client", text: text.chars().take(300).collect(), rule })
    }
}

impl fmt::Display for ClientName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::ClientName;

    #[test]
    fn names_of_clients_are_names_and_nothing_else() {
        for good in
            ["iqn.1993-08.org.debian:01:b9cc8fc5ec61", "eui.02004567A425678D", "nqn.2014-08.org.nvmexpress:uuid:1"]
        {
            assert_eq!(good.parse::<ClientName>().expect(good).as_str(), good);
        }
        let long = format!("iqn.{}", "x".repeat(220));
        for bad in ["", "iqn./../x", "host", "iqn.a b", "iqn.a\nb", "iqn.a\0", "IQN.a", "iqn.é", long.as_str()] {
            assert!(bad.parse::<ClientName>().is_err(), "{bad:?}");
        }
    }
}
