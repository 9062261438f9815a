//! The listening socket.

use std::{io, net::SocketAddr};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpSocket};

/// Connections that the system keeps for us until we accept them.
const BACKLOG: u32 = 1024;
/// What the system keeps of an answer that a client does not read. By itself it would take up to several MiB for each, and
/// we would not see that nobody reads.
const UNREAD: u32 = 256 << 10;
/// Files other than connections: the store, sockets, pipes to hosts.
const OTHER_FILES: u64 = 256;

/// Listens, with room for so many connections.
///
/// # Errors
/// When the address is not free, or not ours.
pub fn listen(address: SocketAddr, connections: usize) -> io::Result<TcpListener> {
    allow_files((connections as u64).saturating_add(OTHER_FILES));
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Else a port would stay taken for a minute after a stop.
    socket.set_reuseaddr(true)?;
    // Accepted connections inherit it.
    socket.set_send_buffer_size(UNREAD)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Most systems allow a process 1024 files until it asks for more.
fn allow_files(count: u64) {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= count) {
        return;
    }
    let allowed = maximum.map_or(count, |maximum| maximum.min(count));
    if allowed < count {
        tracing::warn!(wanted = count, allowed, "fewer files may be open than api.limits.connections needs");
    }
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(allowed), maximum }) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}
