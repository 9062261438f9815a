//! The OpenStack clients in a Python environment of their own, for tests that speak with them.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use crate::{prerequisites::must, step::Steps};

/// Tests read from it where the environment is: `$ASHLAR_CLIENTS_VENV/bin/openstack`.
pub const VARIABLE: &str = "ASHLAR_CLIENTS_VENV";
/// What is installed, pinned, relative to the workspace root.
pub const REQUIREMENTS: &str = "ci/clients/requirements.txt";
const LIMIT: Duration = Duration::from_secs(600);

/// Makes the environment below `target`, or finds the one made for the same requirements, and returns its path.
///
/// # Errors
/// Python or the package index failed three times.
pub fn provide(steps: &mut Steps, shell: &Shell, root: &Path, target: &Path) -> Result<PathBuf> {
    let venv = target.join("clients-venv");
    let requirements = root.join(REQUIREMENTS);
    let wanted = std::fs::read_to_string(&requirements).with_context(|| format!("cannot read {REQUIREMENTS}"))?;
    let stamp = venv.join("requirements.done");
    if std::fs::read_to_string(&stamp).is_ok_and(|made| made == wanted) {
        return Ok(venv);
    }
    must(steps, "clients: environment", || cmd!(shell, "python3 -m venv --clear {venv}"), LIMIT)?;
    let pip = venv.join("bin/pip");
    let install =
        || cmd!(shell, "{pip} install --disable-pip-version-check --no-input --retries 3 --requirement {requirements}");
    must(steps, "clients: install", install, LIMIT)?;
    // Last, so that an environment that was cut short is made anew.
    std::fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(venv)
}
