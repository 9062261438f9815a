//! How one attachment is reached.

use std::{net::SocketAddr, path::Path};

use ashlar_targets::{Credentials, Lio, Naming};
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Where the kernel's targets are set up.
const CONFIGFS: &str = "/sys/kernel/config";

/// How an attachment is reached; recorded with it, so that its connection stays as the client was told, whatever is
/// configured later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Way {
    /// As a block device of this machine.
    Local,
    /// As a target.
    Iscsi {
        /// What its name starts with.
        prefix: String,
        /// Where it listens.
        portals: Vec<SocketAddr>,
        /// What the client has to know.
        credentials: Option<Credentials>,
    },
}

impl Way {
    /// The target that does it, where one is needed.
    pub(super) fn target(&self, vg: &str) -> Result<Option<Lio>, Error> {
        match self {
            Self::Local => Ok(None),
            Self::Iscsi { prefix, portals, .. } => {
                let naming = Naming::new(prefix, vg).map_err(Error::target)?;
                Lio::new(Path::new(CONFIGFS), naming, portals.clone()).map(Some).map_err(Error::target)
            }
        }
    }

    pub(super) fn credentials(&self) -> Option<&Credentials> {
        match self {
            Self::Local => None,
            Self::Iscsi { credentials, .. } => credentials.as_ref(),
        }
    }
}
