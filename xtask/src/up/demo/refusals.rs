//! Requests that must be refused, readably, without changing anything.

use anyhow::{Result, ensure};

use super::{
    data::{CLONE, ORIGINAL},
    stage::Stage,
};

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

/// All of it is sent before the answer is read: a server that merely stopped reading would go unheard.
fn oversize(stage: &Stage) -> Result<()> {
    let answer = stage.api.call("POST", "volumes", Some(&vec![b' '; LARGE]))?;
    ensure!(answer.status == 413, "a body of {LARGE} bytes: expected 413, got {} {:?}", answer.status, answer.text);
    ensure!(answer.message().is_some(), "a body of {LARGE} bytes: expected a readable error, got {:?}", answer.text);
    Ok(())
}
