//! A proxy before a server, that spoils its connections: cuts, holds, delays and refuses them.
//!
//! Whoever connects to the proxy's address speaks with the server, as long as the test lets it. The proxy and all its
//! connections end with the value.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::error::{Error, Result};

/// More are closed when they come.
const MOST_CONNECTIONS: usize = 1024;
const PIECE: usize = 16 << 10;
const WAITING: i32 = 128;
/// For the server to take a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// A port that was free a moment ago may be taken.
const PORTS_TRIED: usize = 5;

/// Stands before a server at an address of its own.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    taking: Option<JoinHandle<()>>,
}

/// What the test asks for, and the threads obey.
#[derive(Debug)]
struct Shared {
    listener: TcpListener,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    server: SocketAddr,
    trap: Option<Trap>,
    closing: bool,
    refusing: bool,
    held: bool,
    delay: Duration,
    connections: Vec<Arc<Connection>>,
    taken: usize,
}

/// Both ends of one.
#[derive(Debug)]
struct Connection {
    client: TcpStream,
    server: TcpStream,
    /// What the server says next is not passed on.
    doomed: AtomicBool,
}

/// At which moment a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The client has said it, and the server has not heard it.
    Unheard,
    /// The server has done it and answered, and the client has not heard that.
    Unanswered,
}

/// What is waited for.
#[derive(Debug)]
struct Trap {
    said: Vec<u8>,
    moment: Moment,
}

impl Proxy {
    /// Begins to pass everything on to `server`.
    ///
    /// # Errors
    /// No port is to be had.
    pub fn before(server: SocketAddr) -> Result<Self> {
        let begun = || Error::io("cannot begin a proxy");
        let listener = listen().map_err(begun())?;
        let address = listener.local_addr().map_err(begun())?;
        let state = State {
            server,
            trap: None,
            closing: false,
            refusing: false,
            held: false,
            delay: Duration::ZERO,
            connections: Vec::new(),
            taken: 0,
        };
        let shared = Arc::new(Shared { listener, state: Mutex::new(state), changed: Condvar::new() });
        let taking = Arc::clone(&shared);
        let taking = thread::Builder::new().name("proxy".to_owned()).spawn(move || take(&taking)).map_err(begun())?;
        Ok(Self { address, shared, taking: Some(taking) })
    }

    /// Where clients connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections it has taken since it began.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.shared.lock().taken
    }

    /// Cuts all connections that there are, both ways; how many. New ones are taken.
    #[must_use = "a cut that cut nothing shows nothing"]
    pub fn cut(&self) -> usize {
        let cut = std::mem::take(&mut self.shared.lock().connections);
        cut.iter().for_each(|connection| connection.close());
        cut.len()
    }

    /// Cuts the next connection on which a client says `said`, at that moment; once. It must fit into one message.
    pub fn cut_at(&self, said: &str, moment: Moment) {
        self.shared.lock().trap = Some(Trap { said: said.as_bytes().to_vec(), moment });
    }

    /// Whether what [`Self::cut_at`] waits for has not been said yet.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.shared.lock().trap.is_some()
    }

    /// Has new connections go to another server.
    pub fn redirect(&self, server: SocketAddr) {
        self.shared.lock().server = server;
    }

    /// Refuses new connections from here on, as a machine does where no server runs. Those that there are stay.
    ///
    /// # Errors
    /// The system does not close the port.
    pub fn refuse(&self) -> Result<()> {
        let mut state = self.shared.lock();
        if !state.refusing {
            state.refusing = true;
            // Linux: what listened does so no more and keeps its port, so that the system gives it to no other.
            rustix::net::shutdown(&self.shared.listener, rustix::net::Shutdown::Both)
                .map_err(Error::io("cannot refuse connections"))?;
        }
        Ok(())
    }

    /// Takes connections again after [`Self::refuse`].
    ///
    /// # Errors
    /// The system does not open the port.
    pub fn accept(&self) -> Result<()> {
        let mut state = self.shared.lock();
        if state.refusing {
            rustix::net::listen(&self.shared.listener, WAITING).map_err(Error::io("cannot take connections"))?;
            state.refusing = false;
            self.shared.changed.notify_all();
        }
        Ok(())
    }

    /// Lets nothing through from here on, in either direction: bytes wait here, as behind a broken switch.
    pub fn hold(&self) {
        self.shared.lock().held = true;
    }

    /// Lets all through again after [`Self::hold`].
    pub fn release(&self) {
        self.shared.lock().held = false;
        self.shared.changed.notify_all();
    }

    /// Has each piece of a conversation, in either direction, wait so long before it goes on.
    pub fn delay(&self, delay: Duration) {
        self.shared.lock().delay = delay;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.lock().closing = true;
        self.shared.changed.notify_all();
        let _no_listener = rustix::net::shutdown(&self.shared.listener, rustix::net::Shutdown::Both);
        // First the thread that makes connections, so that none is made after the cut.
        if let Some(taking) = self.taking.take() {
            let _it_panicked = taking.join();
        }
        let _count = self.cut();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when connections are taken; whether any ever will be.
    fn open(&self) -> bool {
        let waits = |state: &mut State| state.refusing && !state.closing;
        let state = self.changed.wait_while(self.lock(), waits).unwrap_or_else(PoisonError::into_inner);
        !state.closing
    }

    /// Waits as long as what was read is not to go on.
    fn let_through(&self) {
        let delay = self.lock().delay;
        thread::sleep(delay);
        let waits = |state: &mut State| state.held && !state.closing;
        drop(self.changed.wait_while(self.lock(), waits));
    }

    /// Whether a client says now what is waited for.
    fn springs(&self, piece: &[u8]) -> Option<Moment> {
        let mut state = self.lock();
        let said = |trap: &mut Trap| piece.windows(trap.said.len().max(1)).any(|window| window == trap.said);
        state.trap.take_if(said).map(|trap| trap.moment)
    }

    /// Counts a connection in, unless there are too many or the proxy ends.
    fn enter(&self, connection: &Arc<Connection>) -> bool {
        let mut state = self.lock();
        let enters = !state.closing && state.connections.len() < MOST_CONNECTIONS;
        if enters {
            state.taken += 1;
            state.connections.push(Arc::clone(connection));
        }
        enters
    }

    fn leave(&self, connection: &Arc<Connection>) {
        connection.close();
        self.lock().connections.retain(|other| !Arc::ptr_eq(other, connection));
    }
}

impl Connection {
    fn close(&self) {
        for end in [&self.client, &self.server] {
            let _closed_already = end.shutdown(Shutdown::Both);
        }
    }
}

/// Takes connections until the proxy ends.
fn take(shared: &Arc<Shared>) {
    while shared.open() {
        // An error: connections are refused from now on, or the client went away; `open` knows which.
        let Ok((client, _)) = shared.listener.accept() else { continue };
        // Where the server does not answer, the client learns it as from the server: it is closed.
        let server = shared.lock().server;
        let Ok(server) = TcpStream::connect_timeout(&server, CONNECT_LIMIT) else { continue };
        let _without = client.set_nodelay(true).and_then(|()| server.set_nodelay(true));
        let connection = Arc::new(Connection { client, server, doomed: AtomicBool::new(false) });
        if shared.enter(&connection) && pass(shared, &connection).is_err() {
            shared.leave(&connection);
        }
    }
}

/// Begins to pass on, a thread for each direction.
fn pass(shared: &Arc<Shared>, connection: &Arc<Connection>) -> io::Result<()> {
    for to_server in [true, false] {
        let (shared, connection) = (Arc::clone(shared), Arc::clone(connection));
        thread::Builder::new().name("proxy-pass".to_owned()).spawn(move || {
            let _either_end_closed = match to_server {
                true => copy(&shared, &connection.client, &connection.server, |piece| match shared.springs(piece) {
                    Some(Moment::Unheard) => false,
                    moment => {
                        connection.doomed.fetch_or(moment.is_some(), Ordering::SeqCst);
                        true
                    }
                }),
                false => {
                    copy(&shared, &connection.server, &connection.client, |_| !connection.doomed.load(Ordering::SeqCst))
                }
            };
            shared.leave(&connection);
        })?;
    }
    Ok(())
}

/// Passes on what comes, until an end closes or a piece is not to go on.
fn copy(shared: &Shared, mut from: &TcpStream, mut to: &TcpStream, goes_on: impl Fn(&[u8]) -> bool) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        let read = from.read(&mut piece)?;
        shared.let_through();
        if read == 0 || !goes_on(&piece[..read]) {
            return Ok(());
        }
        to.write_all(&piece[..read])?;
    }
}

/// At a port that was asked for by its number: the system takes others away when their socket stops listening.
fn listen() -> io::Result<TcpListener> {
    let mut failed = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..PORTS_TRIED {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        match TcpListener::bind(free) {
            Ok(listener) => return Ok(listener),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}
