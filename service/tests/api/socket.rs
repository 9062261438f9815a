//! A service that listens, and clients that write and read bytes as they please.

use std::{net::SocketAddr, time::Duration};

use ashlar::{api::ApiSettings, http};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::bench::Bench;

/// Nothing here takes a tenth of this.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A service on a port of its own.
pub(crate) struct Served {
    pub(crate) bench: Bench,
    pub(crate) address: SocketAddr,
    pub(crate) stop: CancellationToken,
    pub(crate) server: JoinHandle<()>,
}

impl Served {
    pub(crate) async fn with(change: impl FnOnce(&mut ApiSettings)) -> Self {
        let bench = Bench::with(change).await;
        let listener = http::listen(SocketAddr::from(([127, 0, 0, 1], 0)), 2048).expect("a port");
        let address = listener.local_addr().expect("an address");
        let stop = CancellationToken::new();
        let connections = bench.api.connections().clone();
        let server = tokio::spawn(http::serve(listener, bench.router.clone(), connections, stop.clone()));
        Self { bench, address, stop, server }
    }

    pub(crate) async fn connect(&self) -> Client {
        Client(timeout(PATIENCE, TcpStream::connect(self.address)).await.expect("in time").expect("connected"))
    }

    /// One whose system takes next to nothing that it does not read.
    pub(crate) async fn connect_narrow(&self) -> Client {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4096).expect("set");
        Client(timeout(PATIENCE, socket.connect(self.address)).await.expect("in time").expect("connected"))
    }

    /// So many connections, each of which has written this.
    pub(crate) async fn crowd(&self, count: usize, text: &str) -> Vec<Client> {
        let mut clients = Vec::new();
        for _ in 0..count {
            let mut client = self.connect().await;
            client.write(text).await;
            clients.push(client);
        }
        clients
    }

    /// What one more client hears, on a connection of its own.
    pub(crate) async fn get(&self, path: &str) -> String {
        let mut client = self.connect().await;
        client.write(&get(path)).await;
        client.rest().await
    }

    /// Returns when there is no connection but the one that asks.
    pub(crate) async fn alone(&self) {
        let others = async {
            while self.metric("ashlar_connections ").await > 1 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(PATIENCE, others).await.expect("in time");
    }

    /// A figure of the metrics.
    pub(crate) async fn metric(&self, name: &str) -> u64 {
        let metrics = self.get("/metrics").await;
        let line = metrics.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {metrics}"));
        line.rsplit(' ').next().and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{line}"))
    }
}

/// A whole request, after which the connection is to end.
pub(crate) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
}

/// The head of a request with a body of that length.
pub(crate) fn post_head(path: &str, length: usize) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n")
}

/// A client, byte by byte.
pub(crate) struct Client(pub(crate) TcpStream);

impl Client {
    pub(crate) async fn write(&mut self, text: &str) {
        assert!(self.try_write(text).await, "the connection is closed");
    }

    /// False when the connection is closed.
    pub(crate) async fn try_write(&mut self, text: &str) -> bool {
        timeout(PATIENCE, self.0.write_all(text.as_bytes())).await.expect("in time").is_ok()
    }

    /// All that comes until the other side ends the connection, in whatever way.
    pub(crate) async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        // An end by force loses nothing of what came before.
        let _ = timeout(PATIENCE, self.0.read_to_end(&mut bytes)).await.expect("the connection ends in time");
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
