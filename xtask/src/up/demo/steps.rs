//! The demonstration, in order.

use anyhow::Result;

use super::{crash, data, growth, images, refusals, removal, stage::Stage};

/// One step.
pub struct Step {
    /// What is done.
    pub name: &'static str,
    /// Does it, and says what was checked. An error says what was expected and what was seen.
    pub run: fn(&mut Stage) -> Result<String>,
}

/// Each step builds on what those before it left.
pub const STEPS: &[Step] = &[
    Step { name: "create a volume of 1 GiB", run: data::create },
    Step { name: "attach, write 64 MiB, detach", run: data::write },
    Step { name: "take a snapshot", run: data::snapshot },
    Step { name: "attach again, overwrite, detach", run: data::overwrite },
    Step { name: "create a volume from the snapshot", run: data::from_snapshot },
    Step { name: "clone the volume", run: data::clone },
    Step { name: "extend the clone to 2 GiB", run: growth::extend },
    Step { name: "upload the volume as a qcow2 image", run: images::upload },
    Step { name: "create a volume from the image", run: images::download },
    Step { name: "revert the volume to the snapshot", run: data::revert },
    Step { name: "kill the driver's host at work", run: crash::host },
    Step { name: "kill host and service at work, restart", run: crash::everything },
    Step { name: "bad requests", run: refusals::refuse },
    Step { name: "delete everything", run: removal::delete },
    Step { name: "stop the service", run: removal::stop },
];
