//! How one attachment is reached.

use std::{net::SocketAddr, path::Path, sync::Arc};

use ashlar_targets::{Credentials, Lio, Naming, Nvmet, Target};
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
    /// As an NVMe subsystem.
    Nvme {
        /// What its name starts with.
        prefix: String,
        /// Where it is reached.
        portals: Vec<SocketAddr>,
    },
}

impl Way {
    /// The target that does it, where one is needed.
    pub(super) fn target(&self, vg: &str) -> Result<Option<Arc<dyn Target>>, Error> {
        let configfs = Path::new(CONFIGFS);
        let naming = |prefix: &str| Naming::new(prefix, vg).map_err(Error::target);
        Ok(match self {
            Self::Local => None,
            Self::Iscsi { prefix, portals, .. } => {
                Some(Arc::new(Lio::new(configfs, naming(prefix)?, portals.clone()).map_err(Error::target)?))
            }
            Self::Nvme { prefix, portals } => {
                Some(Arc::new(Nvmet::new(configfs, naming(prefix)?, portals.clone()).map_err(Error::target)?))
            }
        })
    }

    pub(super) fn credentials(&self) -> Option<&Credentials> {
        match self {
            Self::Local | Self::Nvme { .. } => None,
            Self::Iscsi { credentials, .. } => credentials.as_ref(),
        }
    }
}
