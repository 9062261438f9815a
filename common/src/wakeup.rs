//! Wake-ups between processes: a word that says "look into the store".
//!
//! They carry nothing else and may get lost; polling makes it right, and these only make it quick. On one machine they are
//! datagrams ([`sockets`]); where the store is a server of PostgreSQL, it also passes them on between machines
//! ([`server`]). A ring never waits.

mod server;
mod sockets;

use std::{fmt, io, path::Path, sync::Arc};

use tokio::sync::Notify;

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
pub struct Bell(Rings);

#[derive(Clone, Debug)]
enum Rings {
    Real { sockets: Sockets, server: Option<Ringer> },
    Simulated(Arc<dyn Wire>),
}

/// Is woken.
#[derive(Debug)]
pub struct Ear(Hears);

#[derive(Debug)]
enum Hears {
    Real { socket: SocketEar, server: Option<Listener> },
    Simulated(Arc<Notify>),
}

/// Carries wake-ups between the processes of a simulation.
pub trait Wire: fmt::Debug + Send + Sync {
    /// May lose it, or bring it late or twice.
    fn ring(&self, sleeper: &Sleeper);
}

impl Bell {
    /// A bell for the sleepers of a run directory.
    ///
    /// # Errors
    /// When the directory cannot be opened.
    pub fn new(run_directory: &Path) -> io::Result<Self> {
        Ok(Self(Rings::Real { sockets: Sockets::new(run_directory)?, server: None }))
    }

    /// The bell of a simulated process.
    #[must_use]
    pub fn simulated(wire: Arc<dyn Wire>) -> Self {
        Self(Rings::Simulated(wire))
    }

    /// Also for those of other machines, where the store has a server that passes it on. Within a runtime.
    #[must_use]
    pub fn with(self, store: &Store) -> Self {
        match (self.0, store.location()) {
            (Rings::Real { sockets, .. }, Location::Postgres(location)) => {
                Self(Rings::Real { sockets, server: Some(Ringer::start(location.clone())) })
            }
            (rings, _) => Self(rings),
        }
    }

    /// Wakes them, if they are there. Never waits: a sleeper with a full queue is about to wake anyway.
    pub fn ring(&self, sleeper: &Sleeper) {
        match &self.0 {
            Rings::Real { sockets, server } => {
                sockets.ring(sleeper);
                if let Some(server) = server {
                    server.ring(sleeper);
                }
            }
            Rings::Simulated(wire) => wire.ring(sleeper),
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
        Ok(Self(Hears::Real { socket: SocketEar::bind(run_directory, sleeper, seat)?, server: None }))
    }

    /// The ear of a simulated process: hears when it is notified.
    #[must_use]
    pub fn simulated(woken: Arc<Notify>) -> Self {
        Self(Hears::Simulated(woken))
    }

    /// Also hears what comes by the store's server, where it has one. Within a runtime.
    #[must_use]
    pub fn with(self, store: &Store, sleeper: &Sleeper) -> Self {
        match (self.0, store.location()) {
            (Hears::Real { socket, .. }, Location::Postgres(location)) => {
                Self(Hears::Real { socket, server: Some(Listener::start(location.clone(), sleeper)) })
            }
            (hears, _) => Self(hears),
        }
    }

    /// Waits for a wake-up and swallows those that came with it.
    pub async fn heard(&self) {
        let (socket, server) = match &self.0 {
            Hears::Real { socket, server } => (socket, server),
            Hears::Simulated(woken) => return woken.notified().await,
        };
        tokio::select! {
            () = socket.heard() => {}
            () = async {
                match server {
                    Some(server) => server.heard().await,
                    None => std::future::pending().await,
                }
            } => {}
        }
    }
}

#[cfg(test)]
mod tests;
