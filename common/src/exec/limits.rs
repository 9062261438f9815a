//! Bounds on what a program may use, for tools that read what strangers made.

use std::ffi::OsString;

use super::{
    error::ExecError,
    program::{Lookup, Program},
};
use crate::units::ByteCount;

/// Seconds between the signal that asks a program to end for its CPU time and the one that makes it.
const CPU_GRACE_SECONDS: u64 = 5;

/// Resource limits of one run; the kernel holds them.
///
/// Set through util-linux's `prlimit`, since setting them between fork and exec needs unsafe code. A program that
/// passes a limit fails by itself (memory) or by a signal (CPU time), and the run answers [`ExecError::Status`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Virtual memory, all of it: stacks of threads and mapped libraries count.
    pub address_space: ByteCount,
    /// CPU time of the process and its threads.
    pub cpu_seconds: u64,
}

impl Limits {
    /// The words in front of the program's own command line.
    pub(super) fn prefix(self) -> Result<Vec<OsString>, ExecError> {
        let prlimit = Program::find_with("prlimit", Lookup { package: Some("util-linux"), path: None })?;
        let memory = self.address_space.bytes();
        let cpu = self.cpu_seconds.max(1);
        Ok(vec![
            prlimit.path().into(),
            format!("--as={memory}:{memory}").into(),
            format!("--cpu={cpu}:{}", cpu.saturating_add(CPU_GRACE_SECONDS)).into(),
            // A core dump would be a copy of somebody's volume in an unexpected place.
            "--core=0:0".into(),
            "--".into(),
        ])
    }
}
