//! What a function may speak of: `stats.*`, `capabilities.*`, `volume.*`, `snapshot.*`, `extra.*`, `qos.*`.
//!
//! Names are looked up when the function is parsed, so a misspelt one is found before a volume meets it. Keys of extra
//! specs and QoS specs are the operator's own; only the request knows which of them there are.

use super::value::Value;
use crate::scheduler::{
    fact::{Fact, FactName},
    pool::PoolView,
    request::{Request, VolumeWord},
};

/// A name in a function.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Variable {
    /// `stats.` and `capabilities.`: the same here.
    Pool(FactName),
    Volume(VolumeWord),
    SnapshotId,
    SnapshotSize,
    Extra(Box<str>),
    Qos(Box<str>),
}

/// What a function is evaluated over.
#[derive(Clone, Copy, Debug)]
pub(in crate::scheduler) struct Given<'a> {
    pub(in crate::scheduler) pool: &'a PoolView,
    pub(in crate::scheduler) request: &'a Request,
}

impl Variable {
    /// The variable of this name in this scope.
    ///
    /// # Errors
    /// What would be right, where there is none.
    pub(super) fn find(scope: &str, name: &str) -> Result<Self, String> {
        match scope {
            "stats" | "capabilities" => FactName::find(name)
                .map(Self::Pool)
                .ok_or_else(|| format!("pools report no {name:?}; they report {}", FactName::list())),
            "volume" => VolumeWord::find(name)
                .map(Self::Volume)
                .ok_or_else(|| format!("volumes have no {name:?}; they have {}", VolumeWord::list())),
            "snapshot" => match name {
                "id" => Ok(Self::SnapshotId),
                "size" | "volume_size" => Ok(Self::SnapshotSize),
                _ => Err(format!("snapshots have no {name:?}; they have id, size")),
            },
            "extra" => Ok(Self::Extra(name.into())),
            "qos" => Ok(Self::Qos(name.into())),
            _ => Err(format!("there is no {scope:?}: known are stats, capabilities, volume, snapshot, extra and qos")),
        }
    }

    /// Its value; `None` where it has none.
    pub(super) fn value<'a>(&self, given: Given<'a>) -> Option<Value<'a>> {
        let request = given.request;
        match self {
            Self::Pool(name) => match Fact::of(given.pool, *name) {
                Fact::Flag(flag) => Some(Value::Flag(flag)),
                Fact::Number(number) => Some(Value::Number(number)),
                Fact::Text(text) => Some(Value::stored(text)),
                Fact::Unknown => None,
            },
            Self::Volume(word) => request.word(*word),
            Self::SnapshotId => request.volume.snapshot.as_ref().map(|snapshot| Value::Text(&snapshot.id)),
            Self::SnapshotSize => {
                request.volume.snapshot.as_ref().map(|snapshot| Value::Number(snapshot.size.gib_f64()))
            }
            Self::Extra(key) => request.extra_specs.get(key.as_ref()).map(|text| Value::stored(text)),
            Self::Qos(key) => request.qos.get(key.as_ref()).map(|text| Value::stored(text)),
        }
    }
}
