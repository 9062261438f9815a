//! Who wants to reach a volume, and how it is reached.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The client side of an attachment: what os-brick calls connector properties.
///
/// Kept as the client sent it, since protocols differ in what they need; the fields that Ashlar itself reads have
/// accessors.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Connector(pub Map<String, Value>);

impl Connector {
    /// The client host's name.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.text("host")
    }

    /// A text property such as `initiator` or `ip`.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(Value::as_str)
    }
}

/// How a client reaches an attached volume: os-brick's `driver_volume_type` and `data`.
///
/// `data` may hold credentials. `Debug` hides it, so that it cannot slip into a log.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct ConnectionInfo {
    /// The protocol, in os-brick's words: `iscsi`, `rbd`, `nfs`, `local`.
    pub driver_volume_type: String,
    /// What the connector of that protocol needs.
    pub data: Map<String, Value>,
}

impl fmt::Debug for ConnectionInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionInfo")
            .field("driver_volume_type", &self.driver_volume_type)
            .field("data", &format_args!("[{} keys hidden]", self.data.len()))
            .finish()
    }
}
