//! One server for all tests of a process, or of many.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock, PoisonError},
};

use super::{Address, Database, Server, Standing};
use crate::error::{Error, Result};

/// Below a target directory of cargo: servers that tests raise because none stands.
const OWN: &str = "lab/own";

static SERVER: OnceLock<(Address, Option<Server>)> = OnceLock::new();
static RAISING: Mutex<()> = Mutex::new(());

/// The server that `cargo xtask lab up postgres` keeps for this workspace, as the job runner has it do; where there is
/// none, one that this process raises, and that ends with it. It does not wait for the disk in that case.
///
/// Only for its databases: who stops or kills a server raises a [`Server`] of its own.
///
/// # Errors
/// PostgreSQL is not installed, or does not start.
pub fn shared() -> Result<&'static Address> {
    let _one_at_a_time = RAISING.lock().unwrap_or_else(PoisonError::into_inner);
    if SERVER.get().is_none() {
        let found = find_or_raise()?;
        let _first = SERVER.set(found);
    }
    SERVER.get().map(|(address, _)| address).ok_or(Error::State("neither found nor raised"))
}

/// A fresh database on the [`shared`] server.
///
/// # Errors
/// As there.
pub fn database() -> Result<Database> {
    shared()?.database()
}

fn find_or_raise() -> Result<(Address, Option<Server>)> {
    let program = std::env::current_exe().map_err(Error::io("cannot tell which program this is"))?;
    if let Some(standing) = Standing::around(&program) {
        return Ok((standing.lab.address, None));
    }
    let server = Server::start_quick(&own_folder(&program))?;
    Ok((server.address().clone(), Some(server)))
}

/// Test programs are in `target/PROFILE/deps`.
fn own_folder(program: &Path) -> PathBuf {
    program.ancestors().nth(3).unwrap_or(Path::new("/tmp")).join(OWN)
}

/// In a job whose lab is this one, by the variable that the job runner sets: a database for tests that otherwise use a
/// store in a file. So the same tests run on both.
///
/// # Errors
/// As [`shared`].
pub fn asked_for() -> Result<Option<Database>> {
    #[expect(clippy::disallowed_methods, reason = "the job runner tells its tests so; there is no main to pass it on")]
    let lab = std::env::var_os("LAB");
    if lab.is_some_and(|lab| lab == "postgres") { database().map(Some) } else { Ok(None) }
}
