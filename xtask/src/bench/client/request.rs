//! Requests as bytes, to be sent as often as needed.

use std::net::SocketAddr;

use crate::up::api::{MICROVERSION, PROJECT, USER};

/// Writes requests to one service.
#[derive(Clone, Copy, Debug)]
pub struct Requests {
    address: SocketAddr,
}

impl Requests {
    /// To the service at `address`.
    #[must_use]
    pub fn to(address: SocketAddr) -> Self {
        Self { address }
    }

    /// Where they go.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Reads `path`, which begins behind the project.
    #[must_use]
    pub fn get(&self, path: &str) -> Vec<u8> {
        self.written("GET", path, "")
    }

    /// Removes `path`.
    #[must_use]
    pub fn delete(&self, path: &str) -> Vec<u8> {
        self.written("DELETE", path, "")
    }

    /// Sends `body` to `path`.
    #[must_use]
    pub fn post(&self, path: &str, body: &serde_json::Value) -> Vec<u8> {
        self.written("POST", path, &body.to_string())
    }

    /// With the head that clients of OpenStack send.
    fn written(&self, method: &str, path: &str, body: &str) -> Vec<u8> {
        let typed = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
        format!(
            "{method} /v3/{PROJECT}/{path} HTTP/1.1\r\nHost: {}\r\nX-Auth-Token: {USER}:{PROJECT}\r\n\
             OpenStack-API-Version: volume {MICROVERSION}\r\nAccept: application/json\r\n{typed}\
             Content-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::Requests;

    #[test]
    fn a_request_says_the_length_of_its_body() {
        let requests = Requests::to("127.0.0.1:7".parse().unwrap());
        let text = String::from_utf8(requests.post("volumes", &serde_json::json!({ "volume": {} }))).unwrap();
        assert!(text.starts_with("POST /v3/demo/volumes HTTP/1.1\r\nHost: 127.0.0.1:7\r\n"), "{text}");
        assert!(text.ends_with("Content-Length: 13\r\n\r\n{\"volume\":{}}"), "{text}");
    }
}
