//! The LVM driver in the suite of the contract: thin and thick, on volume groups of their own.
//!
//! What it can do there is stated here. It needs root, loop devices and the device-mapper.

mod site;

use std::process::ExitCode;

use ashlar_common::driver::Capabilities;
use ashlar_conformance::{
    claims::Claims,
    outcome::Held,
    subject::{Site, Subject},
    suite,
};
use ashlar_driver_lvm::config::Provisioning;
use async_trait::async_trait;

use crate::site::LvmSite;

/// The driver in one configuration.
#[derive(Clone, Copy, Debug)]
struct Lvm {
    provisioning: Provisioning,
    multi_attach: bool,
}

const SUBJECTS: [Lvm; 2] = [
    Lvm { provisioning: Provisioning::Thin, multi_attach: true },
    Lvm { provisioning: Provisioning::Thick, multi_attach: false },
];

impl Lvm {
    fn is_thin(self) -> bool {
        self.provisioning == Provisioning::Thin
    }
}

#[async_trait]
impl Subject for Lvm {
    fn name(&self) -> String {
        format!("lvm-{}-local", if self.is_thin() { "thin" } else { "thick" })
    }

    fn claims(&self) -> Claims {
        Claims {
            capabilities: Capabilities {
                multi_attach: self.multi_attach,
                online_extend: true,
                revert: true,
                manage: true,
                group_snapshots: self.is_thin(),
                ..Capabilities::default()
            },
            snapshot_attached: true,
            allocated_known: true,
            usage_known: true,
            thick: !self.is_thin(),
            cuts_off_open_clients: true,
            ..Claims::default()
        }
    }

    async fn raise(&self) -> Held<Box<dyn Site>> {
        Ok(Box::new(LvmSite::raise(*self).await?))
    }
}

fn main() -> ExitCode {
    suite::main(SUBJECTS.iter().map(|lvm| Box::new(*lvm) as Box<dyn Subject>).collect())
}
