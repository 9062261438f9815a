//! Requests that must be refused, readably, without changing anything.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};

use super::{
    data::{CLONE, ORIGINAL},
    stage::Stage,
};
use crate::up::api::{PROJECT, USER};

/// A request, and the only status that is right.
struct Bad {
    what: &'static str,
    method: &'static str,
    /// `{original}` and `{clone}` stand for the ids of these volumes, here and in the body.
    path: &'static str,
    body: Option<&'static str>,
    status: u16,
}

const fn post(what: &'static str, path: &'static str, body: &'static str, status: u16) -> Bad {
    Bad { what, method: "POST", path, body: Some(body), status }
}

const BAD: &[Bad] = &[
    post("broken JSON", "volumes", "{\"volume\": {", 400),
    post("a list for an object", "volumes", "[1, 2]", 400),
    post("no size", "volumes", r#"{"volume": {"name": "x"}}"#, 400),
    post("an unknown field", "volumes", r#"{"volume": {"size": 1, "colour": "red"}}"#, 400),
    post("a size below zero", "volumes", r#"{"volume": {"size": -1}}"#, 400),
    post("a size of zero", "volumes", r#"{"volume": {"size": 0}}"#, 400),
    post("a size that fits no disk", "volumes", r#"{"volume": {"size": 9223372036854775807}}"#, 400),
    post("a size in words", "volumes", r#"{"volume": {"size": "big"}}"#, 400),
    post("an id that climbs", "volumes", r#"{"volume": {"size": 1, "snapshot_id": "../../etc/passwd"}}"#, 400),
    post(
        "a source that is not there",
        "volumes",
        r#"{"volume": {"size": 1, "source_volid": "00000000-0000-4000-8000-000000000000"}}"#,
        404,
    ),
    post("an unknown type", "volumes", r#"{"volume": {"size": 1, "volume_type": "gold"}}"#, 404),
    post("an action nobody knows", "volumes/{original}/action", r#"{"os-paint": {}}"#, 400),
    post("shrinking", "volumes/{clone}/action", r#"{"os-extend": {"new_size": 1}}"#, 400),
    Bad { what: "a path that climbs", method: "GET", path: "volumes/..%2F..%2Fetc%2Fpasswd", body: None, status: 404 },
    Bad { what: "deleting below a snapshot", method: "DELETE", path: "volumes/{original}", body: None, status: 400 },
];

/// Larger than any request that makes sense.
const LARGE: usize = 1 << 20;
const CHUNK: usize = 16 << 10;
const PATIENCE: Duration = Duration::from_secs(10);
const LISTENING: Duration = Duration::from_millis(20);

pub(super) fn refuse(stage: &mut Stage) -> Result<String> {
    let before = stage.api.get("volumes/detail")?;
    for bad in BAD {
        check(stage, bad)?;
    }
    oversize(stage)?;
    let answer = stage.api.speaking("3.9999").call("GET", "volumes", None)?;
    ensure!(answer.status == 406, "a microversion of the future: expected 406, got {}", answer.status);
    let after = stage.api.get("volumes/detail")?;
    ensure!(before == after, "expected nothing to change, but before: {before} and after: {after}");
    Ok(format!("{} refused, each with its reason; nothing changed", BAD.len() + 2))
}

fn check(stage: &Stage, bad: &Bad) -> Result<()> {
    let (original, clone) = (stage.volume(ORIGINAL)?.id, stage.volume(CLONE)?.id);
    let filled = |text: &str| text.replace("{original}", &original).replace("{clone}", &clone);
    let body = bad.body.map(filled);
    let answer = stage.api.call(bad.method, &filled(bad.path), body.as_deref().map(str::as_bytes))?;
    let (what, wanted, status) = (bad.what, bad.status, answer.status);
    ensure!(status == wanted, "{what}: expected {wanted}, got {status} {:?}", answer.text);
    ensure!(answer.message().is_some(), "{what}: expected a readable error, got {:?}", answer.text);
    Ok(())
}

/// Sent as slowly as it takes to hear the refusal: one that stops reading and answers could go unheard by a client that
/// is still sending.
fn oversize(stage: &Stage) -> Result<()> {
    let address = stage.place.listen();
    let mut connection = TcpStream::connect_timeout(&address, PATIENCE).context("cannot connect")?;
    write!(
        connection,
        "POST /v3/{PROJECT}/volumes HTTP/1.1\r\nHost: {address}\r\nX-Auth-Token: {USER}:{PROJECT}\r\n\
         Content-Type: application/json\r\nContent-Length: {LARGE}\r\n\r\n"
    )?;
    connection.set_read_timeout(Some(LISTENING))?;
    let (mut heard, mut sent) = ([0_u8; 12], 0);
    while sent < LARGE {
        match connection.read(&mut heard) {
            Ok(length) => {
                let heard = String::from_utf8_lossy(&heard[..length]);
                ensure!(heard == "HTTP/1.1 413", "a body of {LARGE} bytes: expected HTTP/1.1 413, got {heard:?}");
                return Ok(());
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(error).with_context(|| format!("a body of {LARGE} bytes: no answer")),
        }
        connection.write_all(&[b' '; CHUNK]).with_context(|| format!("a body of {LARGE} bytes: no answer"))?;
        sent += CHUNK;
    }
    bail!("a body of {LARGE} bytes: expected 413, got nothing until all was sent")
}
