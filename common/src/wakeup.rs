//! Wake-ups between the processes of one machine: a datagram that says "look into the store".
//!
//! They carry nothing and may get lost; polling makes it right, and these only make it quick. Sockets live in the run
//! directory and are addressed through its open descriptor, since a socket's path may have no more than 107 bytes.

use std::{
    fs::File,
    io,
    os::{fd::AsRawFd, unix::net},
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::net::UnixDatagram;

use crate::ids::BackendName;

/// Somebody who can be woken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sleeper {
    /// The API, waiting for operations to end.
    Api,
    /// The host of a backend, waiting for operations to begin.
    Host(BackendName),
}

impl Sleeper {
    fn file(&self) -> String {
        match self {
            Self::Api => "api.sock".to_owned(),
            Self::Host(backend) => format!("host-{backend}.sock"),
        }
    }
}

/// Wakes others.
#[derive(Clone, Debug)]
pub struct Bell {
    directory: Arc<File>,
    socket: Arc<net::UnixDatagram>,
}

/// Is woken.
#[derive(Debug)]
pub struct Ear {
    socket: UnixDatagram,
}

/// The path of `name` below an open directory, short however deep the directory is.
fn short_path(directory: &File, name: &str) -> PathBuf {
    Path::new("/proc/self/fd").join(directory.as_raw_fd().to_string()).join(name)
}

impl Bell {
    /// A bell for the sleepers of a run directory.
    ///
    /// # Errors
    /// When the directory cannot be opened.
    pub fn new(run_directory: &Path) -> io::Result<Self> {
        let directory = Arc::new(File::open(run_directory)?);
        // The system's socket and not the runtime's: that one refuses to send until it was told that it may.
        let socket = net::UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Self { directory, socket: Arc::new(socket) })
    }

    /// Wakes one, if it is there. Never waits: a sleeper with a full queue is about to wake anyway.
    pub fn ring(&self, sleeper: &Sleeper) {
        let path = short_path(&self.directory, &sleeper.file());
        if let Err(error) = self.socket.send_to(&[], &path) {
            tracing::trace!(?sleeper, %error, "nobody to wake");
        }
    }
}

impl Ear {
    /// Listens as `sleeper`, replacing whoever did before.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub fn bind(run_directory: &Path, sleeper: &Sleeper) -> io::Result<Self> {
        let directory = File::open(run_directory)?;
        let path = short_path(&directory, &sleeper.file());
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        Ok(Self { socket: UnixDatagram::bind(&path)? })
    }

    /// Waits for a wake-up and swallows those that came with it.
    pub async fn heard(&self) {
        let mut nothing = [0_u8; 1];
        if self.socket.recv(&mut nothing).await.is_err() {
            // A broken socket would make this a busy loop; the caller's polling interval takes over.
            std::future::pending::<()>().await;
        }
        while self.socket.try_recv(&mut nothing).is_ok() {}
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Bell, Ear, Sleeper};

    #[tokio::test]
    async fn a_ring_is_heard_however_deep_the_directory() {
        let root = tempfile::tempdir().expect("a temporary directory");
        let deep = root.path().join("d".repeat(120)).join("e".repeat(120));
        std::fs::create_dir_all(&deep).expect("a deep directory");
        let sleeper = Sleeper::Host("fast".parse().expect("a name"));
        let ear = Ear::bind(&deep, &sleeper).expect("an ear");
        let bell = Bell::new(&deep).expect("a bell");
        bell.ring(&sleeper);
        tokio::time::timeout(Duration::from_secs(10), ear.heard()).await.expect("heard");
    }

    #[tokio::test]
    async fn ringing_for_nobody_is_no_error() {
        let root = tempfile::tempdir().expect("a temporary directory");
        Bell::new(root.path()).expect("a bell").ring(&Sleeper::Api);
    }
}
