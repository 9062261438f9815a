//! A client of this machine: it attaches by the connection's words alone, with the connectors that real clients use.

use std::{
    collections::BTreeMap,
    io,
    net::TcpStream,
    sync::{Arc, Mutex, PoisonError, Weak},
    thread,
    time::Duration,
};

use ashlar_common::{
    connector::Connectors,
    driver::{AccessMode, ConnectionInfo, OpCtx},
    ids::OpId,
};
use ashlar_conformance::{
    client::{self, OpenFile},
    subject::Disk,
};
use tokio_util::sync::CancellationToken;

/// No client of this machine waits longer. See [`is_served`] for those whose target is gone.
const ATTACH_LIMIT: Duration = Duration::from_secs(40);
/// A portal of this machine takes a connection at once.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// A client that was cut off is to see it soon.
const PATIENCE: Duration = Duration::from_secs(2);

/// All that clients of a site have attached.
#[derive(Debug, Default)]
pub(crate) struct Clients(Mutex<BTreeMap<String, Weak<Session>>>);

/// One attached volume. Several programs of a machine share it.
#[derive(Debug)]
struct Session {
    connection: ConnectionInfo,
}

/// A program that has it open.
struct Opened {
    file: OpenFile,
    session: Arc<Session>,
}

impl Clients {
    /// Attaches it, where it is not, and opens it.
    ///
    /// # Errors
    /// It cannot be reached.
    pub(crate) async fn open(&self, connection: &ConnectionInfo, mode: AccessMode) -> io::Result<Box<dyn Disk>> {
        is_served(connection)?;
        let connected = connectors().attach(&ctx(), connection).await;
        let session = self.session(connection);
        let path = connected.map_err(io::Error::other)?.path;
        let opened = tokio::task::spawn_blocking(move || {
            let file = client::open(&path, mode)?;
            // A device that its target has left may still be there to be opened.
            file.read_at(&mut [0; 512], 0)?;
            Ok::<_, io::Error>(Opened { file, session })
        });
        Ok(Box::new(opened.await.map_err(io::Error::other)??))
    }

    fn session(&self, connection: &ConnectionInfo) -> Arc<Session> {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = sessions.entry(serde_json::Value::from(connection.data.clone()).to_string()).or_default();
        slot.upgrade().unwrap_or_else(|| {
            let session = Arc::new(Session { connection: connection.clone() });
            *slot = Arc::downgrade(&session);
            session
        })
    }
}

/// Where nobody listens, iscsid takes 3 s to say so, and clients here come to many a target that is gone.
fn is_served(connection: &ConnectionInfo) -> io::Result<()> {
    let portal = connection.data.get("target_portal").and_then(|portal| portal.as_str());
    let Some(portal) = portal else { return Ok(()) };
    let portal = portal.parse().map_err(io::Error::other)?;
    TcpStream::connect_timeout(&portal, CONNECT_LIMIT).map(drop)
}

impl Disk for Opened {
    fn size(&self) -> io::Result<u64> {
        // A client looks again after it was told that its volume grew.
        let connection = self.session.connection.clone();
        apart(move || async move { connectors().rescan(&ctx(), &connection).await.map_err(io::Error::other) })?;
        self.file.size()
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_at(into, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }

    fn discard(&self, offset: u64, length: u64) -> io::Result<()> {
        self.file.discard(offset, length)
    }
}

impl Drop for Session {
    /// The last program has closed it. What is wrong with it then is the business of the case, which looks.
    fn drop(&mut self) {
        let connection = self.connection.clone();
        let _unflushed = apart(move || async move {
            connectors().abandon(&ctx(), &connection).await.map(drop).map_err(io::Error::other)
        });
    }
}

/// Waits for it on a thread of its own, since the one here may be a runtime's.
fn apart<F, T>(work: impl FnOnce() -> F + Send) -> io::Result<T>
where
    F: Future<Output = io::Result<T>>,
    T: Send,
{
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(work())
    };
    thread::scope(|scope| scope.spawn(run).join()).unwrap_or_else(|_panic| Err(io::Error::other("the client panicked")))
}

pub(crate) fn connectors() -> Connectors {
    Connectors::default().patience(PATIENCE)
}

fn ctx() -> OpCtx {
    OpCtx::new(OpId::new(), ATTACH_LIMIT, CancellationToken::new())
}
