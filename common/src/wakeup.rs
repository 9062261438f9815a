//! Wake-ups between the processes of one machine: a datagram that says "look into the store".
//!
//! They carry nothing and may get lost; polling makes it right, and these only make it quick. Sockets live in the run
//! directory and are addressed through its open descriptor, since a socket's path may have no more than 107 bytes.
//!
//! A backend has one host at work on a machine, so its socket has the backend's name. There may be several API
//! processes: each has a socket of its own, and all are rung. One that is gone leaves its file behind, which refuses;
//! whoever hears that removes it.

use std::{
    ffi::OsString,
    fs::File,
    io,
    os::{fd::AsRawFd, unix::net},
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::{net::UnixDatagram, sync::Notify};
use uuid::Uuid;

use crate::ids::BackendName;

/// API processes of one machine that are woken, at most. One more is not refused: it polls.
const MAX_APIS: usize = 64;
/// The names of their sockets.
const API: (&str, &str) = ("api-", ".sock");
/// The extension of one that is being made: nobody rings it yet.
const NEW: &str = "new";

/// Somebody who can be woken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sleeper {
    /// Every API process, waiting for operations to end.
    Api,
    /// The host of a backend, waiting for operations to begin.
    Host(BackendName),
}

/// Wakes others.
#[derive(Clone, Debug)]
pub struct Bell(Line);

#[derive(Clone, Debug)]
enum Line {
    Sockets(Sockets),
    Wire(Arc<dyn Wire>),
}

/// Carries wake-ups where there are no sockets: between the processes of a simulation.
pub trait Wire: std::fmt::Debug + Send + Sync {
    /// May lose it, or bring it late or twice.
    fn ring(&self, sleeper: &Sleeper);
}

#[derive(Clone, Debug)]
struct Sockets {
    directory: Arc<File>,
    socket: Arc<net::UnixDatagram>,
}

/// Is woken.
#[derive(Debug)]
pub struct Ear(Listening);

#[derive(Debug)]
enum Listening {
    Socket {
        socket: UnixDatagram,
        /// What is to be removed with it. A host's socket is not: the next host has it under the same name.
        own: Option<(File, String)>,
    },
    Wire(Arc<Notify>),
}

/// The path of an open directory, short however deep the directory is.
fn short_path(directory: &File) -> PathBuf {
    Path::new("/proc/self/fd").join(directory.as_raw_fd().to_string())
}

fn of_host(backend: &BackendName) -> String {
    format!("host-{backend}.sock")
}

/// The sockets of API processes, of live and dead ones; not more than are rung.
fn of_apis(directory: &File) -> io::Result<Vec<OsString>> {
    let names = std::fs::read_dir(short_path(directory))?.filter_map(|entry| Some(entry.ok()?.file_name()));
    let is_api = |name: &OsString| name.to_str().is_some_and(|name| name.starts_with(API.0) && name.ends_with(API.1));
    Ok(names.filter(is_api).take(MAX_APIS).collect())
}

impl Bell {
    /// A bell for the sleepers of a run directory.
    ///
    /// # Errors
    /// When the directory cannot be opened.
    pub fn new(run_directory: &Path) -> io::Result<Self> {
        Sockets::over(File::open(run_directory)?).map(|sockets| Self(Line::Sockets(sockets)))
    }

    /// A bell of a simulated process.
    #[must_use]
    pub fn simulated(wire: Arc<dyn Wire>) -> Self {
        Self(Line::Wire(wire))
    }

    /// Wakes them, if they are there. Never waits: a sleeper with a full queue is about to wake anyway.
    pub fn ring(&self, sleeper: &Sleeper) {
        match &self.0 {
            Line::Sockets(sockets) => sockets.ring(sleeper),
            Line::Wire(wire) => wire.ring(sleeper),
        }
    }
}

impl Sockets {
    fn over(directory: File) -> io::Result<Self> {
        // The system's socket and not the runtime's: that one refuses to send until it was told that it may.
        let socket = net::UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Self { directory: Arc::new(directory), socket: Arc::new(socket) })
    }

    fn ring(&self, sleeper: &Sleeper) {
        match sleeper {
            Sleeper::Host(backend) => {
                if let Err(error) = self.send(of_host(backend).as_ref()) {
                    tracing::trace!(?sleeper, %error, "nobody to wake");
                }
            }
            Sleeper::Api => {
                self.ring_apis();
            }
        }
    }

    /// Wakes every API process, removes the sockets of dead ones, and says how many are alive.
    fn ring_apis(&self) -> usize {
        let names = of_apis(&self.directory).unwrap_or_else(|error| {
            tracing::warn!(%error, "the run directory cannot be read: API processes are not woken");
            Vec::new()
        });
        names.iter().filter(|name| self.is_alive(name)).count()
    }

    fn is_alive(&self, name: &OsString) -> bool {
        match self.send(name) {
            // Nobody has it open: its process is gone, and no other ever takes this name.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                let _ = std::fs::remove_file(short_path(&self.directory).join(name));
                false
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            _ => true,
        }
    }

    fn send(&self, name: &std::ffi::OsStr) -> io::Result<usize> {
        self.socket.send_to(&[], short_path(&self.directory).join(name))
    }
}

impl Ear {
    /// Listens as `sleeper`: as a host, replacing whoever did before; as an API process, beside the others.
    ///
    /// # Errors
    /// When the socket cannot be made, or as many API processes listen as may.
    pub fn bind(run_directory: &Path, sleeper: &Sleeper) -> io::Result<Self> {
        let directory = File::open(run_directory)?;
        match sleeper {
            Sleeper::Host(backend) => Self::bind_host(&directory, backend),
            Sleeper::Api => Self::bind_api(directory),
        }
    }

    fn bind_host(directory: &File, backend: &BackendName) -> io::Result<Self> {
        let path = short_path(directory).join(of_host(backend));
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        Ok(Self(Listening::Socket { socket: UnixDatagram::bind(&path)?, own: None }))
    }

    fn bind_api(directory: File) -> io::Result<Self> {
        if Sockets::over(directory.try_clone()?)?.ring_apis() >= MAX_APIS {
            return Err(io::Error::other(format!("{MAX_APIS} API processes listen already")));
        }
        let name = format!("{}{}{}", API.0, Uuid::new_v4(), API.1);
        let path = short_path(&directory).join(&name);
        // Between its name and its being open a socket refuses, and would be taken for a dead one: it gets its name last.
        let new = path.with_extension(NEW);
        let socket = UnixDatagram::bind(&new)?;
        std::fs::rename(&new, &path).inspect_err(|_| {
            let _ = std::fs::remove_file(&new);
        })?;
        Ok(Self(Listening::Socket { socket, own: Some((directory, name)) }))
    }

    /// The ear of a simulated process: hears when it is notified.
    #[must_use]
    pub fn simulated(woken: Arc<Notify>) -> Self {
        Self(Listening::Wire(woken))
    }

    /// Waits for a wake-up and swallows those that came with it.
    pub async fn heard(&self) {
        let socket = match &self.0 {
            Listening::Socket { socket, .. } => socket,
            Listening::Wire(woken) => return woken.notified().await,
        };
        let mut nothing = [0_u8; 1];
        if socket.recv(&mut nothing).await.is_err() {
            // A broken socket would make this a busy loop; the caller's polling interval takes over.
            std::future::pending::<()>().await;
        }
        while socket.try_recv(&mut nothing).is_ok() {}
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        if let Listening::Socket { own: Some((directory, name)), .. } = &self.0 {
            // If this fails, the next ring does it.
            let _ = std::fs::remove_file(short_path(directory).join(name));
        }
    }
}

#[cfg(test)]
mod tests;
