//! Requests as a client sends them, and how certain it is of what became of them.

use std::{
    io,
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use serde_json::Value;

/// A request that takes longer has no answer.
const LIMIT: Duration = Duration::from_secs(60);
/// Has everything that is used here.
const VERSION: &str = "volume 3.59";

/// What came of a request.
#[derive(Debug)]
pub enum Answer {
    /// 2xx: it is so, or will be.
    Done(Value),
    /// 4xx: nothing was done. With the status and what was said.
    Refused(u16, String),
    /// No answer, or one that leaves open whether it was done.
    Unknown(String),
    /// It never got anywhere.
    NotSent,
}

/// How many requests ended how.
#[derive(Debug, Default)]
pub struct Tally {
    done: AtomicU64,
    refused: AtomicU64,
    overloaded: AtomicU64,
    unavailable: AtomicU64,
    cut: AtomicU64,
    not_sent: AtomicU64,
}

/// The same, as it stands.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
pub struct Answers {
    /// 2xx.
    pub done: u64,
    /// 4xx but 429.
    pub refused: u64,
    /// 429.
    pub overloaded: u64,
    /// 503 and 504.
    pub unavailable: u64,
    /// The connection ended, or nothing came.
    pub cut: u64,
    /// Nobody listened.
    pub not_sent: u64,
}

impl Tally {
    /// As it stands.
    pub fn read(&self) -> Answers {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Answers {
            done: of(&self.done),
            refused: of(&self.refused),
            overloaded: of(&self.overloaded),
            unavailable: of(&self.unavailable),
            cut: of(&self.cut),
            not_sent: of(&self.not_sent),
        }
    }
}

/// The API processes of one service.
#[derive(Debug)]
pub struct Api {
    agent: ureq::Agent,
    addresses: Vec<SocketAddr>,
    tally: Tally,
}

impl Api {
    /// Of processes that listen there.
    pub fn new(addresses: Vec<SocketAddr>) -> Self {
        // No connections are kept: one whose other end was killed would make every next request a doubtful one.
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(LIMIT))
            .max_idle_connections(0)
            .build()
            .new_agent();
        Self { agent, addresses, tally: Tally::default() }
    }

    /// How requests ended so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// How many processes there are.
    pub fn count(&self) -> usize {
        self.addresses.len()
    }

    /// Sends one request to process `which`.
    pub fn send(&self, which: usize, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let address = self.addresses[which % self.addresses.len()];
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("http://{address}/v3/storm{path}"))
            .header("X-Auth-Token", "admin:storm")
            .header("OpenStack-API-Version", VERSION)
            .header("Content-Type", "application/json")
            .body(body.map(|body| body.to_string().into_bytes()).unwrap_or_default());
        let request = match request {
            Ok(request) => request,
            Err(error) => return Answer::Unknown(error.to_string()),
        };
        let (count, answer) = match self.agent.run(request) {
            Ok(mut response) => {
                let status = response.status().as_u16();
                match response.body_mut().read_to_string() {
                    Ok(text) => self.judged(status, text),
                    Err(error) => (&self.tally.cut, Answer::Unknown(error.to_string())),
                }
            }
            Err(ureq::Error::Io(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
                (&self.tally.not_sent, Answer::NotSent)
            }
            Err(error) => (&self.tally.cut, Answer::Unknown(error.to_string())),
        };
        count.fetch_add(1, Ordering::Relaxed);
        answer
    }

    fn judged(&self, status: u16, text: String) -> (&AtomicU64, Answer) {
        match status {
            200..300 => (&self.tally.done, Answer::Done(serde_json::from_str(&text).unwrap_or(Value::Null))),
            429 => (&self.tally.overloaded, Answer::Refused(status, text)),
            400..500 => (&self.tally.refused, Answer::Refused(status, text)),
            _ => (&self.tally.unavailable, Answer::Unknown(format!("{status} {text}"))),
        }
    }
}
