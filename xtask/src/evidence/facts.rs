//! What decides a run beside the tree: what is asked for, the toolchain, the machine.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use xshell::{Shell, cmd};

use super::record::hexadecimal;
use crate::{
    affected::{jobs::Job, kept::Parts},
    environment::variables,
};

/// Environment variables that reach compilers, cargo or tests, by the beginning of their names.
const VARIABLES: [&str; 10] =
    ["CARGO_", "RUST", "ASHLAR_", "CC", "CFLAGS", "CXX", "LD_PRELOAD", "LC_", "LANG", "NEXTEST_"];
/// Of these, what differs from run to run and decides nothing: where cargo itself is, and who called.
const UNHEARD: [&str; 9] = [
    "CARGO_HOME",
    "CARGO_INCREMENTAL",
    "CARGO_MAKEFLAGS",
    "CARGO_MANIFEST_",
    "CARGO_PKG_",
    "CARGO_TARGET_DIR",
    "CARGO_TERM_",
    "RUSTUP_",
    "RUST_RECURSION_COUNT",
];
/// What Debian has installed; another system has another host with every change of its kernel's name only.
const INSTALLED: &str = "/var/lib/dpkg/status";

/// The machine and the toolchain that a job would run with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surroundings {
    /// What `rustc -vV` prints.
    pub toolchain: String,
    /// A digest of the installed packages, the system and the variables.
    pub host: String,
}

impl Surroundings {
    /// Looks at this machine.
    ///
    /// # Errors
    /// There is no rustc, or it does not say what it is.
    pub fn here(shell: &Shell) -> Result<Self> {
        let output = cmd!(shell, "rustc -vV").quiet().ignore_status().output().context("rustc could not be started")?;
        if !output.status.success() {
            bail!("rustc -vV failed: {}", String::from_utf8_lossy(output.stderr.trim_ascii()));
        }
        Ok(Self::with(String::from_utf8(output.stdout)?))
    }

    /// This machine, with the toolchain that said so.
    #[must_use]
    pub fn with(toolchain: String) -> Self {
        Self { toolchain, host: host(variables()) }
    }

    /// A digest of what `job` asks for; the same on all machines with this toolchain.
    #[must_use]
    pub fn asked(&self, job: &Job) -> String {
        let lab = job.lab.as_deref().unwrap_or_default();
        let venvs = job.venvs.join(" ");
        digest([&job.packages.join(" "), &job.filter, &job.command, lab, &venvs, &self.toolchain])
    }
}

/// A digest of what a test may meet on this machine outside the tree. Files that nobody installed with a package are
/// not in it: see docs/affected.md.
fn host(variables: BTreeMap<String, String>) -> String {
    let heard = variables.into_iter().filter(|(name, _)| {
        let begins = |with: &&str| name.starts_with(*with);
        VARIABLES.iter().any(&begins) && !UNHEARD.iter().any(begins)
    });
    let variables: Vec<String> = heard.map(|(name, value)| format!("{name}={value}")).collect();
    let system = std::fs::read("/proc/sys/kernel/osrelease").unwrap_or_default();
    let installed = std::fs::read(INSTALLED).map(|bytes| hexadecimal(&Sha256::digest(bytes))).unwrap_or_default();
    digest([&variables.join("\n"), &String::from_utf8_lossy(&system), &installed])
}

fn digest<const N: usize>(parts: [&str; N]) -> String {
    let mut all = Parts::default();
    parts.into_iter().for_each(|part| all.add(part));
    all.digest()
}

/// What tells one program file from another without running it: path, size and time of change. `rustc -vV` costs more
/// than all else in a plan, so that its answer is kept under this.
///
/// # Errors
/// There is no such program.
pub fn stamp(program: &Path) -> Result<String> {
    let path: PathBuf = program.canonicalize()?;
    let metadata = std::fs::metadata(&path)?;
    let changed = metadata.modified()?.duration_since(UNIX_EPOCH)?.as_nanos();
    Ok(format!("{} {} {changed}", path.display(), metadata.len()))
}

#[cfg(test)]
mod tests {
    use super::host;

    fn with(variables: &[(&str, &str)]) -> String {
        host(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn a_variable_that_reaches_a_build_makes_another_host_and_a_terminal_does_not() {
        let plain = with(&[]);
        assert_ne!(with(&[("RUSTFLAGS", "-Copt-level=3")]), plain);
        assert_ne!(with(&[("ASHLAR_CLIENTS_VENV", "x")]), plain);
        assert_eq!(with(&[("TERM", "xterm"), ("CARGO_PKG_NAME", "xtask"), ("RUSTUP_HOME", "x")]), plain);
    }
}
