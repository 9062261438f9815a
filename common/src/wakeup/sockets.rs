//! Wake-ups between the processes of one machine: datagrams.
//!
//! Sockets live in the run directory and are addressed through its open descriptor, since a socket's path may have no more
//! than 107 bytes.
//!
//! A host's socket has the name of the backend and of the seat that it has there, and the next on that seat replaces it.
//! There may be several API processes: each has a socket of its own, and all are rung. One that is gone leaves its file
//! behind, which refuses; whoever hears that removes it.

use std::{
    ffi::OsString,
    fs::File,
    io,
    os::{fd::AsRawFd, unix::net},
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::net::UnixDatagram;
use uuid::Uuid;

use super::Sleeper;
use crate::ids::BackendName;

/// Hosts of one backend on one machine, at most.
pub(crate) const MAX_SEATS: u32 = 8;
/// API processes of one machine that are woken, at most. One more is not refused: it polls.
pub(super) const MAX_APIS: usize = 64;
/// The names of their sockets.
const API: (&str, &str) = ("api-", ".sock");
/// The extension of one that is being made: nobody rings it yet.
const NEW: &str = "new";

/// Wakes others.
#[derive(Clone, Debug)]
pub(super) struct Sockets {
    directory: Arc<File>,
    socket: Arc<net::UnixDatagram>,
}

/// Is woken.
#[derive(Debug)]
pub(super) struct SocketEar {
    socket: UnixDatagram,
    /// What is to be removed with it. A host's socket is not: the next host has it under the same name.
    own: Option<(File, String)>,
}

/// The path of an open directory, short however deep the directory is.
fn short_path(directory: &File) -> PathBuf {
    Path::new("/proc/self/fd").join(directory.as_raw_fd().to_string())
}

fn of_host(backend: &BackendName, seat: u32) -> String {
    match seat {
        0 => format!("host-{backend}.sock"),
        _ => format!("host-{backend}.{seat}.sock"),
    }
}

/// The sockets of API processes, of live and dead ones; not more than are rung.
pub(super) fn of_apis(directory: &File) -> io::Result<Vec<OsString>> {
    let names = std::fs::read_dir(short_path(directory))?.filter_map(|entry| Some(entry.ok()?.file_name()));
    let is_api = |name: &OsString| name.to_str().is_some_and(|name| name.starts_with(API.0) && name.ends_with(API.1));
    Ok(names.filter(is_api).take(MAX_APIS).collect())
}

impl Sockets {
    /// A bell for the sleepers of a run directory.
    ///
    /// # Errors
    /// When the directory cannot be opened.
    pub(super) fn new(run_directory: &Path) -> io::Result<Self> {
        Self::over(File::open(run_directory)?)
    }

    fn over(directory: File) -> io::Result<Self> {
        // The system's socket and not the runtime's: that one refuses to send until it was told that it may.
        let socket = net::UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Self { directory: Arc::new(directory), socket: Arc::new(socket) })
    }

    /// Wakes them, if they are there. Never waits: a sleeper with a full queue is about to wake anyway.
    pub(super) fn ring(&self, sleeper: &Sleeper) {
        match sleeper {
            Sleeper::Host(backend) => self.ring_hosts(backend),
            Sleeper::Api => {
                self.ring_apis();
            }
        }
    }

    /// Wakes every member of a backend. Sockets of dead ones stay, so the first that is missing is behind the last.
    fn ring_hosts(&self, backend: &BackendName) {
        for seat in 0..MAX_SEATS {
            match self.send(of_host(backend, seat).as_ref()) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return,
                Err(error) => tracing::trace!(%backend, seat, %error, "nobody to wake"),
                Ok(_) => {}
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

impl SocketEar {
    /// Listens as `sleeper`: as the host on a seat, replacing whoever did before; as an API process, beside the others.
    ///
    /// # Errors
    /// When the socket cannot be made, or as many API processes listen as may.
    pub(super) fn bind(run_directory: &Path, sleeper: &Sleeper, seat: u32) -> io::Result<Self> {
        let directory = File::open(run_directory)?;
        match sleeper {
            Sleeper::Host(backend) => Self::bind_host(&directory, backend, seat),
            Sleeper::Api => Self::bind_api(directory),
        }
    }

    fn bind_host(directory: &File, backend: &BackendName, seat: u32) -> io::Result<Self> {
        let path = short_path(directory).join(of_host(backend, seat));
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        Ok(Self { socket: UnixDatagram::bind(&path)?, own: None })
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
        Ok(Self { socket, own: Some((directory, name)) })
    }

    /// Waits for a wake-up and swallows those that came with it.
    pub(super) async fn heard(&self) {
        let mut nothing = [0_u8; 1];
        if self.socket.recv(&mut nothing).await.is_err() {
            // A broken socket would make this a busy loop; the caller's polling interval takes over.
            std::future::pending::<()>().await;
        }
        while self.socket.try_recv(&mut nothing).is_ok() {}
    }
}

impl Drop for SocketEar {
    fn drop(&mut self) {
        if let Some((directory, name)) = &self.own {
            // If this fails, the next ring does it.
            let _ = std::fs::remove_file(short_path(directory).join(name));
        }
    }
}
