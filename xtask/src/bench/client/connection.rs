//! One connection, kept open, on which one request follows another.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};

const TIMEOUT: Duration = Duration::from_secs(90);
/// A page of a list has a megabyte.
const FIRST_ROOM: usize = 64 << 10;
const LARGEST_ANSWER: usize = 64 << 20;

/// A kept connection. Its buffer grows to the largest answer and stays.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer, as it lies in the connection's buffer.
#[derive(Clone, Copy, Debug)]
pub struct Reply<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: &'a [u8],
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// Nobody listens at `address`.
    pub fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        Ok(Self { stream, buffer: vec![0; FIRST_ROOM] })
    }

    /// Sends a request, which is written out already, and waits for the whole answer.
    ///
    /// # Errors
    /// No answer, one without a length, or one without end.
    pub fn ask(&mut self, request: &[u8]) -> Result<Reply<'_>> {
        self.stream.write_all(request).context("the request cannot be sent")?;
        let mut filled = 0;
        let head = loop {
            filled += self.receive(filled)?;
            if let Some(head) = Head::read(&self.buffer[..filled])? {
                break head;
            }
        };
        let end = head.body + head.length;
        ensure!(end <= LARGEST_ANSWER, "an answer of {} bytes is too long", head.length);
        while filled < end {
            filled += self.receive(filled)?;
        }
        ensure!(filled == end, "the service sent more than was asked for");
        Ok(Reply { status: head.status, body: &self.buffer[head.body..end] })
    }

    fn receive(&mut self, filled: usize) -> Result<usize> {
        if filled == self.buffer.len() {
            ensure!(filled < LARGEST_ANSWER, "the answer has no end");
            self.buffer.resize(filled * 2, 0);
        }
        let received = self.stream.read(&mut self.buffer[filled..]).context("no answer")?;
        ensure!(received > 0, "the service closed the connection");
        Ok(received)
    }
}

/// What an answer begins with.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    length: usize,
    /// Where the body begins.
    body: usize,
}

impl Head {
    /// Reads it; `None` as long as it has not come in full.
    fn read(bytes: &[u8]) -> Result<Option<Self>> {
        let Some(end) = find(bytes, b"\r\n\r\n") else { return Ok(None) };
        let head = std::str::from_utf8(&bytes[..end]).context("the answer's head is no text")?;
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok());
        let Some(status) = status else { bail!("the answer does not begin as HTTP/1.1 does") };
        let length = lines.find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
        });
        // A 204 has no body and need not say so.
        let length =
            if status == 204 { length.unwrap_or(0) } else { length.context("the answer does not say its length")? };
        Ok(Some(Self { status, length, body: end + 4 }))
    }
}

impl Reply<'_> {
    /// The text of the first member `name` of the body; written without spaces, as the service does.
    ///
    /// # Errors
    /// There is none; the beginning of the body is in the error.
    pub fn text(&self, name: &str) -> Result<&str> {
        let key = format!("\"{name}\":\"");
        let found = find(self.body, key.as_bytes()).and_then(|at| {
            let text = &self.body[at + key.len()..];
            std::str::from_utf8(&text[..find(text, b"\"")?]).ok()
        });
        found.with_context(|| format!("expected text at {name:?}, got {} {}", self.status, self.beginning()))
    }

    /// The reply, if its status is this.
    ///
    /// # Errors
    /// It is another; the beginning of the body is in the error.
    pub fn wanted(self, status: u16, what: &str) -> Result<Self> {
        ensure!(self.status == status, "{what}: expected {status}, got {} {}", self.status, self.beginning());
        Ok(self)
    }

    fn beginning(&self) -> String {
        String::from_utf8_lossy(&self.body[..self.body.len().min(300)]).into_owned()
    }
}

/// Where `wanted` begins in `bytes`.
fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|byte| *byte == wanted[0]) {
        if bytes[from + at..].starts_with(wanted) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::{Ipv4Addr, TcpListener},
    };

    use super::{Connection, Head, Reply};

    #[test]
    fn a_head_is_read_once_it_is_whole() {
        let text = b"HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\nContent-Length: 7\r\n\r\n{\"a\":1}";
        let read = |length: usize| Head::read(&text[..length]).unwrap();
        assert_eq!(read(60), None);
        assert_eq!(read(text.len()), Some(Head { status: 202, length: 7, body: text.len() - 7 }));
        assert_eq!(Head::read(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap().map(|head| head.length), Some(0));
        assert!(Head::read(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert!(Head::read(b"SSH-2.0\r\n\r\n").is_err());
    }

    #[test]
    fn members_are_found_by_name() {
        let reply = Reply { status: 200, body: br#"{"volume":{"source_volid":"x","id":"y","status":"creating"}}"# };
        assert_eq!(reply.text("id").unwrap(), "y");
        assert_eq!(reply.text("status").unwrap(), "creating");
        assert!(reply.text("name").is_err());
        assert!(reply.wanted(202, "asking").is_err());
    }

    #[test]
    fn answers_follow_each_other_on_one_connection_however_they_are_cut() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            for length in [1, 300_000] {
                assert_eq!(stream.read(&mut [0; 16]).unwrap(), 3);
                stream.write_all(b"HTTP/1.1 200 OK\r\n").unwrap();
                stream.write_all(format!("content-length: {length}\r\n\r\n").as_bytes()).unwrap();
                stream.write_all(&vec![b'x'; length]).unwrap();
            }
        });
        let mut connection = Connection::open(address).unwrap();
        assert_eq!(connection.ask(b"one").unwrap().body.len(), 1);
        assert_eq!(connection.ask(b"two").unwrap().body.len(), 300_000);
        server.join().unwrap();
        assert!(connection.ask(b"three").is_err());
    }
}
