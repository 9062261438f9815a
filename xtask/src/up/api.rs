//! The Block Storage API as a client sees it.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use ureq::{Agent, Body, http};

/// Who asks, where there is no authentication.
pub const USER: &str = "admin";
/// The project of the endpoint's address.
pub const PROJECT: &str = "demo";
/// Attachments with modes, snapshots of volumes in use, growing in use: what the demonstration uses came before this.
pub const MICROVERSION: &str = "3.66";
const TIMEOUT: Duration = Duration::from_secs(90);
/// As many clients as a measurement has share one [`Api`].
const CONNECTIONS: usize = 32;
const LARGEST_ANSWER: u64 = 64 << 20;

/// An endpoint. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct Api {
    agent: Agent,
    root: String,
    microversion: String,
}

/// What the API said.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, as it came.
    pub text: String,
}

impl Api {
    /// The API at `address`.
    #[must_use]
    pub fn at(address: SocketAddr) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(TIMEOUT))
            // What is asked is on this machine, whatever the environment says about the way to others.
            .proxy(None)
            .max_idle_connections(CONNECTIONS)
            .max_idle_connections_per_host(CONNECTIONS)
            .build();
        Self { agent: config.into(), root: format!("http://{address}"), microversion: MICROVERSION.to_owned() }
    }

    /// The same, asking for another microversion.
    #[must_use]
    pub fn speaking(&self, microversion: &str) -> Self {
        Self { microversion: microversion.to_owned(), ..self.clone() }
    }

    /// Where the API is, such as `http://127.0.0.1:8776`.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The address of the API for clients.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("{}/v3/{PROJECT}", self.root)
    }

    /// Whether `/healthcheck` answers 200. Nobody there is a "no" as well.
    #[must_use]
    pub fn healthy(&self) -> bool {
        self.agent.get(format!("{}/healthcheck", self.root)).call().is_ok_and(|answer| answer.status() == 200)
    }

    /// Asks `/healthcheck` and reads all of the answer.
    ///
    /// # Errors
    /// No answer.
    pub fn health(&self) -> Result<Answer> {
        read(self.agent.get(format!("{}/healthcheck", self.root)).call().context("GET /healthcheck: no answer")?)
    }

    /// One call on `path`, which begins behind the project. Any status is an answer.
    ///
    /// # Errors
    /// No answer, or one without end.
    pub fn call(&self, method: &str, path: &str, body: Option<&[u8]>) -> Result<Answer> {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("{}/{path}", self.endpoint()))
            .header("X-Auth-Token", format!("{USER}:{PROJECT}"))
            .header("OpenStack-API-Version", format!("volume {}", self.microversion));
        let answer = match body {
            None => self.agent.run(request.body(())?),
            Some(bytes) => self.agent.run(request.header("Content-Type", "application/json").body(bytes)?),
        };
        read(answer.with_context(|| format!("{method} {path}: no answer"))?)
    }

    /// Reads something.
    ///
    /// # Errors
    /// No answer, or another one than 2xx.
    pub fn get(&self, path: &str) -> Result<Value> {
        self.call("GET", path, None)?.wanted("GET", path)
    }

    /// Asks for something.
    ///
    /// # Errors
    /// No answer, or another one than 2xx.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.call("POST", path, Some(body.to_string().as_bytes()))?.wanted("POST", path)
    }

    /// Has something removed.
    ///
    /// # Errors
    /// No answer, or another one than 2xx.
    pub fn delete(&self, path: &str) -> Result<Value> {
        self.call("DELETE", path, None)?.wanted("DELETE", path)
    }
}

impl Answer {
    /// The body as JSON; null when there is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// What the error says to people, where it is in OpenStack's shape: `{"badRequest": {"code", "message"}}`.
    #[must_use]
    pub fn message(&self) -> Option<String> {
        let body = self.json();
        let fault = body.as_object()?.values().next()?;
        let code = fault.get("code").and_then(Value::as_u64)?;
        let message = fault.get("message").and_then(Value::as_str)?;
        (code == u64::from(self.status) && !message.is_empty()).then(|| message.to_owned())
    }

    fn wanted(&self, method: &str, path: &str) -> Result<Value> {
        if (200..300).contains(&self.status) {
            return Ok(self.json());
        }
        let said = self.message().unwrap_or_else(|| self.text.chars().take(300).collect());
        bail!("{method} {path}: expected 2xx, got {} {said:?}", self.status)
    }
}

fn read(mut answer: http::Response<Body>) -> Result<Answer> {
    let status = answer.status().as_u16();
    let text = answer.body_mut().with_config().limit(LARGEST_ANSWER).read_to_string();
    Ok(Answer { status, text: text.context("the answer breaks off")? })
}

/// The text at `pointer` (RFC 6901) of an answer.
///
/// # Errors
/// There is none; all of the answer is in the error.
pub fn text<'a>(answer: &'a Value, pointer: &str) -> Result<&'a str> {
    let found = answer.pointer(pointer).and_then(Value::as_str);
    found.with_context(|| format!("expected text at {pointer}, got {answer}"))
}

#[cfg(test)]
mod tests {
    use super::Answer;

    #[test]
    fn an_error_is_readable_only_in_the_documented_shape() {
        let message = |text: &str| Answer { status: 400, text: text.to_owned() }.message();
        let good = r#"{"badRequest": {"code": 400, "message": "no"}}"#;
        assert_eq!(message(good).as_deref(), Some("no"));
        for bad in ["", "oops", "[]", "{}", r#"{"a": {"code": 500, "message": "no"}}"#, r#"{"message": "no"}"#] {
            assert_eq!(message(bad), None, "{bad}");
        }
    }
}
