//! `[api]`.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::limits::Limits;

/// `[api]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Api {
    /// Address and port. Loopback only, as long as there is no authentication.
    pub listen: SocketAddr,
    /// Name of this service's machine in `host@backend#pool`.
    pub host: String,
    /// The zone of volumes that ask for none, and of backends that name none.
    pub availability_zone: String,
    /// The type of volumes that ask for none.
    pub default_volume_type: String,
    /// How long a call that must answer with a connection waits for the host.
    pub attach_timeout_seconds: u64,
    /// What clients may take of this process, and for how long.
    pub limits: Limits,
}

impl Default for Api {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8776)),
            host: "ashlar".to_owned(),
            availability_zone: "nova".to_owned(),
            default_volume_type: "__DEFAULT__".to_owned(),
            attach_timeout_seconds: 60,
            limits: Limits::default(),
        }
    }
}

impl Api {
    /// The first key that makes no sense, and why.
    pub(super) fn complaint(&self) -> Option<(String, String)> {
        if !self.listen.ip().is_loopback() {
            let why = "must be a loopback address such as 127.0.0.1:8776: there is no authentication yet";
            return Some(("api.listen".to_owned(), why.to_owned()));
        }
        self.limits.complaint()
    }
}
