//! The documents of the conversation, and how they are read and written.

use std::time::Duration;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use crate::{
    driver::{
        AttachmentSpec, Capabilities, Detach, Driver, DriverInfo, ImageFile, Kind, Progress, SnapshotRef, VolumeRef,
        VolumeSpec, capability::Limits,
    },
    ids::{OpId, PoolName},
    units::ByteCount,
};

/// Version of the protocol.
pub const SCHEMA: u32 = 1;
/// Longest request, without its line feed.
pub const REQUEST_BYTES: usize = 1 << 20;
/// Longest line that a program may write: an inventory of tens of thousands of volumes.
pub const ANSWER_BYTES: usize = 16 << 20;
/// Calls that may be under way at once.
pub const MAX_CALLS: u32 = 256;
/// A call may ask for no more time.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// The program's first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Greeting {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Who the driver is.
    pub driver: DriverInfo,
    /// What it can do in its configuration.
    pub capabilities: Capabilities,
    /// How many calls may be under way; at least 1.
    pub max_calls: u32,
    /// With `multi_attach`: how many attachments a volume may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_attachments: Option<u32>,
    /// With `active_active`: how many hosts may serve the backend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_hosts: Option<u32>,
}

impl Greeting {
    /// What to say of an open driver.
    #[must_use]
    pub fn of(driver: &dyn Driver) -> Self {
        Self {
            schema: SCHEMA,
            driver: driver.info(),
            capabilities: Capabilities::of(driver),
            max_calls: MAX_CALLS,
            max_attachments: driver.multi_attach().map(|multi| multi.max_attachments()),
            max_hosts: driver.active_active().map(|several| several.max_hosts()),
        }
    }

    /// Reads a first line.
    ///
    /// # Errors
    /// Why it is none.
    pub fn read(line: &[u8]) -> Result<Self, String> {
        let greeting: Self = parse(line)?;
        if greeting.schema != SCHEMA {
            return Err(format!("schema {} is not known; this is {SCHEMA}", greeting.schema));
        }
        if greeting.max_calls == 0 {
            return Err("max_calls is 0".to_owned());
        }
        let said = (greeting.max_attachments.is_some(), greeting.max_hosts.is_some());
        if said != (greeting.capabilities.multi_attach, greeting.capabilities.active_active) {
            return Err("max_attachments goes with multi_attach, and max_hosts with active_active".to_owned());
        }
        Ok(greeting)
    }
}

/// A call with its arguments; `call` and `arguments` of a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "call", content = "arguments", rename_all = "snake_case", deny_unknown_fields)]
#[expect(missing_docs, reason = "named and explained in the driver trait and the traits of its capabilities")]
pub enum Call {
    Stats {},
    Inspect { volume: VolumeRef },
    InspectSnapshot { snapshot: SnapshotRef },
    List {},
    Create { spec: VolumeSpec },
    Delete { volume: VolumeRef },
    Extend { volume: VolumeRef, size: ByteCount },
    CreateSnapshot { snapshot: SnapshotRef },
    DeleteSnapshot { snapshot: SnapshotRef },
    CreateFromSnapshot { spec: VolumeSpec, source: SnapshotRef },
    CloneVolume { spec: VolumeSpec, source: VolumeRef },
    Attach { volume: VolumeRef, attachment: AttachmentSpec },
    Detach { volume: VolumeRef, which: Detach },
    CopyImageToVolume { spec: VolumeSpec, image: ImageFile },
    CopyVolumeToImage { volume: VolumeRef, image: ImageFile },
    ExtendAttached { volume: VolumeRef, size: ByteCount },
    Revert { snapshot: SnapshotRef },
    Foreign { pool: PoolName },
    Manage { spec: VolumeSpec, name: String },
    Unmanage { volume: VolumeRef },
    CreateGroupSnapshot { snapshots: Vec<SnapshotRef> },
    Limit { volume: VolumeRef, limits: Limits },
    Migrate { volume: VolumeRef, pool: PoolName },
}

/// What the caller asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Do this.
    Call {
        /// The caller's number for it.
        id: u64,
        /// The operation that it belongs to.
        op: OpId,
        /// How long it may take.
        limit: Duration,
        /// What to do.
        call: Box<Call>,
    },
    /// End a call early.
    Cancel(u64),
}

/// A request that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The call to answer, where there is one.
    pub id: Option<u64>,
    /// What is wrong.
    pub why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestLine {
    id: Option<u64>,
    cancel: Option<u64>,
    op: Option<OpId>,
    call: Option<String>,
    limit_ms: Option<u64>,
    #[serde(default)]
    arguments: Map<String, Value>,
}

impl Request {
    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong with it, and the call to answer so where one can be made out.
    pub fn read(line: &[u8]) -> Result<Self, Refused> {
        let value: Value = parse(line).map_err(|why| Refused { id: None, why })?;
        let id = value.get("id").and_then(Value::as_u64);
        let refuse = |why: String| Refused { id, why };
        let line: RequestLine = serde_json::from_value(value).map_err(|error| refuse(error.to_string()))?;
        match line {
            RequestLine { cancel: Some(cancelled), id: None, call: None, .. } => Ok(Self::Cancel(cancelled)),
            RequestLine { id: Some(id), cancel: None, call: Some(call), limit_ms: Some(limit), op, arguments } => {
                let call = json!({ "call": call, "arguments": arguments });
                let call = serde_json::from_value(call).map_err(|error| refuse(error.to_string()))?;
                let limit = Duration::from_millis(limit).min(LONGEST);
                Ok(Self::Call { id, op: op.unwrap_or_else(OpId::new), limit, call: Box::new(call) })
            }
            _ => Err(refuse("a request has `id`, `call` and `limit_ms`, or `cancel` alone".to_owned())),
        }
    }

    /// As a line, with its line feed.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        line(&match self {
            Self::Cancel(id) => json!({ "cancel": id }),
            Self::Call { id, op, limit, call } => {
                let limit = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
                let mut request = json!({ "id": id, "op": op, "limit_ms": limit });
                let call = serde_json::to_value(call).expect("arguments have text keys");
                if let (Some(request), Value::Object(call)) = (request.as_object_mut(), call) {
                    request.extend(call);
                }
                request
            }
        })
    }
}

/// What the program says of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// It is done; what the call answers.
    Answer(u64, Value),
    /// It failed.
    Error(u64, Kind, String),
    /// It is so far.
    Progress(u64, Progress),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ErrorPart {
    kind: Kind,
    message: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProgressPart {
    done: u64,
    total: u64,
}

impl Reply {
    /// Reads a line.
    ///
    /// # Errors
    /// Why it is no reply.
    pub fn read(line: &[u8]) -> Result<Self, String> {
        const SHAPE: &str = "a reply has `id` and one of `answer`, `error`, `progress`";
        let mut fields: Map<String, Value> = parse(line)?;
        let id = fields.remove("id").and_then(|id| id.as_u64()).ok_or(SHAPE)?;
        let mut fields = fields.into_iter();
        let (Some((name, value)), None) = (fields.next(), fields.next()) else { return Err(SHAPE.to_owned()) };
        match name.as_str() {
            "answer" => Ok(Self::Answer(id, value)),
            "error" => {
                let ErrorPart { kind, message } = from_value(value)?;
                Ok(Self::Error(id, kind, message))
            }
            "progress" => {
                let ProgressPart { done, total } = from_value(value)?;
                Ok(Self::Progress(id, Progress { done, total }))
            }
            _ => Err(SHAPE.to_owned()),
        }
    }

    /// As a line, with its line feed; an answer that is too long is an error in its place.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let written = line(&match self {
            Self::Answer(id, answer) => json!({ "id": id, "answer": answer }),
            Self::Error(id, kind, message) => {
                json!({ "id": id, "error": ErrorPart { kind: *kind, message: message.clone() } })
            }
            Self::Progress(id, progress) => {
                json!({ "id": id, "progress": ProgressPart { done: progress.done, total: progress.total } })
            }
        });
        if written.len() <= ANSWER_BYTES {
            return written;
        }
        let why = format!("the answer has {} bytes, and a line at most {ANSWER_BYTES}", written.len());
        Self::Error(self.id(), Kind::Fatal, why).write()
    }

    /// The call it is about.
    #[must_use]
    pub fn id(&self) -> u64 {
        match self {
            Self::Answer(id, _) | Self::Error(id, ..) | Self::Progress(id, _) => *id,
        }
    }
}

fn parse<T: DeserializeOwned>(line: &[u8]) -> Result<T, String> {
    serde_json::from_slice(line).map_err(|error| error.to_string())
}

fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

fn line(document: &Value) -> Vec<u8> {
    let mut line = document.to_string().into_bytes();
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests;
