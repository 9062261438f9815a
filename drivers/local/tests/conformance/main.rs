//! The local driver in the suite of the contract, on each file system that it is meant for.
//!
//! What it can do there is stated here. The mounts need root and, but for `tmpfs`, loop devices.

mod site;

use std::process::ExitCode;

use ashlar_common::driver::Capabilities;
use ashlar_conformance::{
    claims::Claims,
    lab::FileSystem,
    outcome::Held,
    subject::{Site, Subject},
    suite,
};
use ashlar_driver_local::config::Provisioning;
use async_trait::async_trait;

use crate::site::LocalSite;

/// The driver in one configuration on one file system.
#[derive(Clone, Copy, Debug)]
struct Local {
    file_system: FileSystem,
    provisioning: Provisioning,
    multi_attach: bool,
}

/// Both ways to give out room, both ways to attach, with shared blocks and without.
const SUBJECTS: [Local; 5] = [
    // In place of the temporary directory, whose file system is too large to be filled.
    Local { file_system: FileSystem::Tmpfs, provisioning: Provisioning::Thin, multi_attach: false },
    Local { file_system: FileSystem::Ext4, provisioning: Provisioning::Thin, multi_attach: false },
    Local { file_system: FileSystem::Ext4, provisioning: Provisioning::Thick, multi_attach: true },
    Local { file_system: FileSystem::Xfs, provisioning: Provisioning::Thin, multi_attach: true },
    Local { file_system: FileSystem::Btrfs, provisioning: Provisioning::Thin, multi_attach: false },
];

impl Local {
    /// Whether a snapshot can be had in one instant, so that clients may write meanwhile.
    fn shares_blocks(self) -> bool {
        self.provisioning == Provisioning::Thin && matches!(self.file_system, FileSystem::Xfs | FileSystem::Btrfs)
    }
}

#[async_trait]
impl Subject for Local {
    fn name(&self) -> String {
        let thick = if self.provisioning == Provisioning::Thick { "-thick" } else { "" };
        format!("local-{}{thick}", self.file_system.name())
    }

    fn claims(&self) -> Claims {
        Claims {
            capabilities: Capabilities {
                multi_attach: self.multi_attach,
                online_extend: true,
                revert: true,
                ..Capabilities::default()
            },
            snapshot_attached: self.shares_blocks(),
            // Other things may live on the file system, and telling them from volumes takes a walk.
            allocated_known: false,
            usage_known: true,
            thick: self.provisioning == Provisioning::Thick,
            ..Claims::default()
        }
    }

    async fn raise(&self) -> Held<Box<dyn Site>> {
        Ok(Box::new(LocalSite::raise(*self).await?))
    }
}

fn main() -> ExitCode {
    suite::main(SUBJECTS.iter().map(|local| Box::new(*local) as Box<dyn Subject>).collect())
}
