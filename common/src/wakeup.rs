//! Wake-ups between processes: a word that says "look into the store".
//!
//! They carry nothing else and may get lost; polling makes it right, and these only make it quick. On one machine they are
//! datagrams ([`sockets`]); where the store is a server of PostgreSQL, it also passes them on between machines
//! ([`server`]). A ring never waits.

mod server;
mod sockets;

use std::{io, path::Path};

use self::{
    server::{Listener, Ringer},
    sockets::{SocketEar, Sockets},
};
use crate::{
    ids::BackendName,
    store::{Location, Store},
};

pub(crate) use self::sockets::MAX_SEATS;

/// Somebody who can be woken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sleeper {
    /// Every API process, waiting for operations to end.
    Api,
    /// The hosts of a backend, waiting for operations to begin.
    Host(BackendName),
}

/// Wakes others.
#[derive(Clone, Debug)]
pub struct Bell {
    sockets: Sockets,
    server: Option<Ringer>,
}

/// Is woken.
#[derive(Debug)]
pub struct Ear {
    socket: SocketEar,
    server: Option<Listener>,
}

impl Bell {
    /// A bell for the sleepers of a run directory.
    ///
    /// # Errors
    /// When the directory cannot be opened.
    pub fn new(run_directory: &Path) -> io::Result<Self> {
        Ok(Self { sockets: Sockets::new(run_directory)?, server: None })
    }

    /// Also for those of other machines, where the store has a server that passes it on. Within a runtime.
    #[must_use]
    pub fn with(self, store: &Store) -> Self {
        match store.location() {
            Location::Postgres(location) => Self { server: Some(Ringer::start(location.clone())), ..self },
            Location::File(_) | Location::Memory(_) => self,
        }
    }

    /// Wakes them, if they are there. Never waits: a sleeper with a full queue is about to wake anyway.
    pub fn ring(&self, sleeper: &Sleeper) {
        self.sockets.ring(sleeper);
        if let Some(server) = &self.server {
            server.ring(sleeper);
        }
    }
}

impl Ear {
    /// Listens as `sleeper`: as a host, replacing whoever did before; as an API process, beside the others.
    ///
    /// # Errors
    /// When the socket cannot be made, or as many API processes listen as may.
    pub fn bind(run_directory: &Path, sleeper: &Sleeper) -> io::Result<Self> {
        Self::bind_seat(run_directory, sleeper, 0)
    }

    /// The same, as one of several hosts of a backend on this machine: that on seat number `seat`, below [`MAX_SEATS`].
    pub(crate) fn bind_seat(run_directory: &Path, sleeper: &Sleeper, seat: u32) -> io::Result<Self> {
        Ok(Self { socket: SocketEar::bind(run_directory, sleeper, seat)?, server: None })
    }

    /// Also hears what comes by the store's server, where it has one. Within a runtime.
    #[must_use]
    pub fn with(self, store: &Store, sleeper: &Sleeper) -> Self {
        match store.location() {
            Location::Postgres(location) => Self { server: Some(Listener::start(location.clone(), sleeper)), ..self },
            Location::File(_) | Location::Memory(_) => self,
        }
    }

    /// Waits for a wake-up and swallows those that came with it.
    pub async fn heard(&self) {
        tokio::select! {
            () = self.socket.heard() => {}
            () = async {
                match &self.server {
                    Some(server) => server.heard().await,
                    None => std::future::pending().await,
                }
            } => {}
        }
    }
}

#[cfg(test)]
mod tests;
