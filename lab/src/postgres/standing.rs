//! A server that stands for many processes.

use std::{
    net::TcpStream,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{address::Address, place, server};
use crate::{
    error::Result,
    process,
    standing::{self, Lab},
};

const ANSWER_LIMIT: Duration = Duration::from_secs(5);
const KILL_LIMIT: Duration = Duration::from_secs(60);

/// What is known of a server that `cargo xtask lab up` raised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Postgres {
    /// Where it is.
    pub address: Address,
    /// Where its files are, and its processes work.
    pub data: PathBuf,
}

/// That, and who keeps it.
pub type Standing = standing::Standing<Postgres>;

impl Lab for Postgres {
    const NAME: &'static str = "postgres";

    fn answers(&self) -> bool {
        TcpStream::connect_timeout(&self.address.tcp(), ANSWER_LIMIT).is_ok()
    }

    /// See [`super::Server::kill`].
    fn kill(&self) -> Result<()> {
        process::pause_all(&self.data, KILL_LIMIT)?;
        process::kill_all(&self.data, KILL_LIMIT)
    }

    fn sweep(folder: &Path) -> Result<()> {
        server::sweep(folder)?;
        place::in_memory().map_or(Ok(()), |memory| server::sweep(&memory))
    }
}
