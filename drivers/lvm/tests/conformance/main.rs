//! The LVM driver in the suite of the contract: thick and thin, over iSCSI with CHAP and on the same machine.
//!
//! It runs in the lab `lvm` (`cargo xtask lab`), on real LVM2, device-mapper and LIO, and its clients are those of
//! `ashlar_common::connector`. What the driver can do there is stated here.

mod disk;
mod faults;
mod site;

use std::{process::ExitCode, time::Duration};

use ashlar_common::driver::Capabilities;
use ashlar_conformance::{
    claims::Claims,
    outcome::Held,
    subject::{Site, Subject},
    suite,
};
use async_trait::async_trait;

use crate::site::LvmSite;

/// The driver in one configuration.
#[derive(Clone, Copy, Debug)]
struct Lvm {
    thin: bool,
    protocol: Protocol,
    multi_attach: bool,
}

/// How clients reach volumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Iscsi,
    Local,
}

/// All that is played.
const SUBJECTS: [Lvm; 4] = [
    Lvm { thin: false, protocol: Protocol::Iscsi, multi_attach: false },
    Lvm { thin: true, protocol: Protocol::Iscsi, multi_attach: true },
    Lvm { thin: false, protocol: Protocol::Local, multi_attach: false },
    Lvm { thin: true, protocol: Protocol::Local, multi_attach: true },
];

impl Protocol {
    const fn name(self) -> &'static str {
        match self {
            Self::Iscsi => "iscsi",
            Self::Local => "local",
        }
    }
}

impl Lvm {
    const fn kind(self) -> &'static str {
        if self.thin { "thin" } else { "thick" }
    }
}

#[async_trait]
impl Subject for Lvm {
    fn name(&self) -> String {
        format!("lvm-{}-{}", self.kind(), self.protocol.name())
    }

    fn claims(&self) -> Claims {
        Claims {
            capabilities: Capabilities {
                multi_attach: self.multi_attach,
                online_extend: true,
                revert: true,
                manage: true,
                // Copy-on-write snapshots of thick volumes are taken one after the other.
                group_snapshots: self.thin,
                ..Capabilities::default()
            },
            snapshot_attached: true,
            allocated_known: true,
            usage_known: true,
            thick: !self.thin,
            thin_metadata: self.thin,
            cuts_off_open_clients: true,
            reached_apart: true,
        }
    }

    /// A chain of a hundred clones is some thousand commands of LVM, a twentieth of a second each in user-mode Linux.
    fn case_limit(&self) -> Duration {
        Duration::from_secs(540)
    }

    /// The subjects share nearly all that there is to interrupt.
    fn interruptions_within(&self) -> Duration {
        Duration::from_secs(5)
    }

    async fn raise(&self) -> Held<Box<dyn Site>> {
        Ok(Box::new(LvmSite::raise(*self).await?))
    }
}

fn main() -> ExitCode {
    suite::main(SUBJECTS.into_iter().map(|lvm| Box::new(lvm) as Box<dyn Subject>).collect())
}
