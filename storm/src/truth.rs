//! What there is, as the service lists it.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::api::{Answer, Api};

/// The largest page.
const PAGE: usize = 1000;
/// The key of a volume's metadata that clients write.
pub const NOTE: &str = "note";

/// A volume or snapshot as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its id.
    pub id: String,
    /// Its status.
    pub status: String,
    /// In GiB.
    pub size: u64,
    /// What its metadata says under [`NOTE`].
    pub note: String,
}

/// Everything, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    /// The volumes.
    pub volumes: BTreeMap<String, Vec<Shown>>,
    /// The snapshots.
    pub snapshots: BTreeMap<String, Vec<Shown>>,
}

impl Truth {
    /// Reads all lists, page by page.
    ///
    /// # Errors
    /// The service does not answer.
    pub fn read(api: &Api) -> Result<Self> {
        Ok(Self { volumes: named(list(api, "volumes")?), snapshots: named(list(api, "snapshots")?) })
    }
}

/// All of one kind.
///
/// # Errors
/// The service does not answer.
pub fn list(api: &Api, kind: &str) -> Result<Vec<Value>> {
    let mut all: Vec<Value> = Vec::new();
    loop {
        let marker = all.last().and_then(|last| last["id"].as_str()).map(|id| format!("&marker={id}"));
        let path = format!("/{kind}/detail?limit={PAGE}{}", marker.unwrap_or_default());
        let mut page = match api.send(0, "GET", &path, None) {
            Answer::Done(mut body) => match body[kind].take() {
                Value::Array(page) => page,
                other => bail!("GET {path} answers no list but {other}"),
            },
            other => bail!("GET {path}: {other:?}"),
        };
        let last = page.len() < PAGE;
        all.append(&mut page);
        if last {
            return Ok(all);
        }
    }
}

fn named(list: Vec<Value>) -> BTreeMap<String, Vec<Shown>> {
    let mut named = BTreeMap::<String, Vec<Shown>>::new();
    for value in list {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let shown = Shown {
            id: text(&value["id"]),
            status: text(&value["status"]),
            size: value["size"].as_u64().unwrap_or_default(),
            note: text(&value["metadata"][NOTE]),
        };
        named.entry(text(&value["name"])).or_default().push(shown);
    }
    named
}

/// A member of an answer that must be a text.
///
/// # Errors
/// It is none.
pub fn text<'a>(body: &'a Value, pointer: &str) -> Result<&'a str> {
    body.pointer(pointer).and_then(Value::as_str).with_context(|| format!("no {pointer} in {body}"))
}
