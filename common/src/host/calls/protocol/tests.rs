use serde_json::{Value, json};

use super::{Call, Greeting, Progress, Reply, Request};
use crate::driver::Kind;

const VOLUME: &str = "6d9c2b0e-7d0f-4c58-9a0e-0d7c1d1f8b1a";

fn read(request: &Value) -> Result<Request, (Option<u64>, String)> {
    Request::read(request.to_string().as_bytes()).map_err(|refused| (refused.id, refused.why))
}

#[test]
fn a_request_reads_as_it_was_written() {
    let volume = json!({ "id": VOLUME, "pool": "fast" });
    let arguments = json!({ "volume": volume, "which": { "one": VOLUME } });
    let request = read(&json!({ "id": 7, "call": "detach", "limit_ms": 1500, "arguments": arguments })).unwrap();
    let Request::Call { id: 7, limit, ref call, .. } = request else { panic!("{request:?}") };
    assert_eq!(limit.as_millis(), 1500);
    assert!(matches!(**call, Call::Detach { .. }));
    assert_eq!(Request::read(&request.write()).unwrap(), request);
    assert_eq!(read(&json!({ "cancel": 7 })), Ok(Request::Cancel(7)));
}

#[test]
fn calls_without_arguments_may_leave_them_out() {
    assert!(read(&json!({ "id": 1, "call": "stats", "limit_ms": 1 })).is_ok());
    assert!(read(&json!({ "id": 1, "call": "list", "limit_ms": 1, "arguments": {} })).is_ok());
}

#[test]
fn a_request_that_makes_no_sense_is_refused_with_its_id() {
    for (bad, word) in [
        (json!({ "id": 3, "call": "explode", "limit_ms": 1 }), "explode"),
        (json!({ "id": 3, "call": "stats" }), "limit_ms"),
        (json!({ "id": 3, "call": "stats", "limit_ms": 1, "mode": 1 }), "mode"),
        (json!({ "id": 3, "call": "stats", "limit_ms": 1, "arguments": { "x": 1 } }), "x"),
        (json!({ "id": 3, "cancel": 3 }), "alone"),
    ] {
        let (id, why) = read(&bad).unwrap_err();
        assert_eq!(id, Some(3), "{why}");
        assert!(why.contains(word), "{why}");
    }
    assert_eq!(Request::read(b"hello").unwrap_err().id, None);
    assert_eq!(read(&json!({ "call": "stats", "limit_ms": 1 })).unwrap_err().0, None);
}

#[test]
fn a_reply_reads_as_it_was_written() {
    for reply in [
        Reply::Answer(1, Value::Null),
        Reply::Error(2, Kind::OutOfSpace, "no room".to_owned()),
        Reply::Progress(3, Progress { done: 1, total: 2 }),
    ] {
        assert_eq!(Reply::read(&reply.write()), Ok(reply));
    }
}

#[test]
fn what_is_no_reply_is_told() {
    for bad in [
        "",
        "[]",
        "{}",
        r#"{"id":1}"#,
        r#"{"id":"1","answer":null}"#,
        r#"{"id":1,"answer":null,"error":null}"#,
        r#"{"id":1,"error":{"kind":"grumpy","message":""}}"#,
        r#"{"id":1,"result":null}"#,
    ] {
        assert!(Reply::read(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn a_greeting_must_fit_itself() {
    let greeting = |change: &dyn Fn(&mut Value)| {
        let mut greeting = json!({
            "schema": 1,
            "driver": { "name": "x", "version": "1", "vendor_name": "v", "storage_protocol": "p" },
            "capabilities": { "multi_attach": false, "online_extend": false, "revert": false },
            "max_calls": 4,
        });
        change(&mut greeting);
        Greeting::read(greeting.to_string().as_bytes())
    };
    assert!(greeting(&|_| {}).is_ok());
    assert!(greeting(&|greeting| greeting["schema"] = 2.into()).is_err());
    assert!(greeting(&|greeting| greeting["max_calls"] = 0.into()).is_err());
    assert!(greeting(&|greeting| greeting["capabilities"]["multi_attach"] = true.into()).is_err());
    assert!(greeting(&|greeting| greeting["capabilities"]["fly"] = true.into()).is_err());
}

#[test]
fn an_answer_that_is_too_long_is_an_error() {
    let long = "x".repeat(super::ANSWER_BYTES);
    let written = Reply::Answer(5, long.into()).write();
    assert!(matches!(Reply::read(&written), Ok(Reply::Error(5, Kind::Fatal, _))));
}
