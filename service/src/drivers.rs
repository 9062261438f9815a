//! Finding driver executables: `ashlar-driver-<name>`, beside this program first, then on the search path.

use std::{
    ffi::OsStr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};

/// The executable of a driver.
///
/// # Errors
/// When there is none; the text says where it was looked for.
pub fn find(driver: &str, search: &OsStr) -> Result<PathBuf> {
    if driver.is_empty() || !driver.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        bail!("{driver:?} is not the name of a driver: use letters, digits and '-'");
    }
    let file = format!("ashlar-driver-{driver}");
    let own = std::env::current_exe()?;
    let beside = own.parent().map(Path::to_owned);
    let folders = beside.into_iter().chain(std::env::split_paths(search).filter(|folder| folder.is_absolute()));
    for folder in folders {
        let candidate = folder.join(&file);
        if candidate.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0) {
            return Ok(candidate);
        }
    }
    bail!(
        "there is no {file} beside {} or on the PATH: install the driver, or mend `driver` in the file",
        own.display()
    )
}
