//! Python programs that tests use, each set in an environment of its own, pinned to the last dependency.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use crate::{prerequisites::must, step::Steps};

/// A folder for each environment, with its `requirements.txt`; relative to the workspace root.
pub const FOLDER: &str = "ci/venvs";
const LIMIT: Duration = Duration::from_secs(600);

/// The variable in which tests find the environment: `$ASHLAR_CLIENTS_VENV/bin/openstack`.
#[must_use]
pub fn variable(name: &str) -> String {
    format!("ASHLAR_{}_VENV", name.to_uppercase())
}

/// Makes the environment below `target`, or finds the one made for the same requirements, and returns its path.
///
/// # Errors
/// There is none of that name, or Python or the package index failed three times.
pub fn provide(steps: &Steps, shell: &Shell, root: &Path, target: &Path, name: &str) -> Result<PathBuf> {
    let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase());
    ensure!(plain, "`{name}` is no name of an environment: use the letters a to z");
    let requirements = root.join(FOLDER).join(name).join("requirements.txt");
    let wanted = std::fs::read_to_string(&requirements)
        .with_context(|| format!("{FOLDER}/{name}/requirements.txt cannot be read"))?;
    let venv = target.join("venvs").join(name);
    let stamp = venv.join("requirements.done");
    if std::fs::read_to_string(&stamp).is_ok_and(|made| made == wanted) {
        return Ok(venv);
    }
    must(steps, &format!("{name}: environment"), || cmd!(shell, "python3 -m venv --clear {venv}"), LIMIT)?;
    let pip = venv.join("bin/pip");
    // All that is wanted is in the list; what a package asks for besides is not fetched unpinned.
    let quietly = ["--disable-pip-version-check", "--no-input", "--retries", "3", "--no-deps"];
    let install = || cmd!(shell, "{pip} install {quietly...} --requirement {requirements}");
    must(steps, &format!("{name}: install"), install, LIMIT)?;
    // Last, so that an environment that was cut short is made anew.
    std::fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(venv)
}
