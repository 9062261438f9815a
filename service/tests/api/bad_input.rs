//! What no client should send: refused with a message, and nothing changed.

use axum::{body::Body, http::Request};
use serde_json::{Value, json};

use crate::bench::Bench;

#[tokio::test]
async fn bodies_that_make_no_sense_change_nothing() {
    let bench = Bench::new().await;
    bench.report("fast").await;
    let id = bench.available("a").await;
    let before = bench.contents().await;
    let volume = |fields: Value| json!({ "volume": fields }).to_string();
    let bodies = [
        String::new(),
        "{".to_owned(),
        "null".to_owned(),
        "[]".to_owned(),
        "\"volume\"".to_owned(),
        "{\"volume\": {\"size\": 1}} trailing".to_owned(),
        format!("{}1{}", "[".repeat(5000), "]".repeat(5000)),
        format!("{{\"volume\":{}1{}}}", "{\"a\":".repeat(5000), "}".repeat(5000)),
        json!({}).to_string(),
        json!({ "volume": null }).to_string(),
        json!({ "volume": [] }).to_string(),
        json!({ "volume": { "size": 1 }, "snapshot": {} }).to_string(),
        volume(json!({})),
        volume(json!({ "size": -1 })),
        volume(json!({ "size": 0 })),
        volume(json!({ "size": 1.5 })),
        volume(json!({ "size": "#$%" })),
        volume(json!({ "size": "-1" })),
        volume(json!({ "size": 4_294_967_296_u64 })),
        volume(json!({ "size": u64::MAX })),
        "{\"volume\": {\"size\": 1e400}}".to_owned(),
        "{\"volume\": {\"size\": 99999999999999999999999999999}}".to_owned(),
        volume(json!({ "size": 1, "sise": 2 })),
        volume(json!({ "size": 1, "name": 7 })),
        volume(json!({ "size": 1, "name": "n".repeat(256) })),
        volume(json!({ "size": 1, "name": "line\nend" })),
        volume(json!({ "size": 1, "name": "nul\u{0}" })),
        volume(json!({ "size": 1, "description": "d".repeat(256) })),
        volume(json!({ "size": 1, "description": "bell\u{7}" })),
        volume(json!({ "size": 1, "metadata": "k=v" })),
        volume(json!({ "size": 1, "metadata": { "k": 1 } })),
        volume(json!({ "size": 1, "metadata": { "": "v" } })),
        volume(json!({ "size": 1, "metadata": { "k".repeat(256): "v" } })),
        volume(json!({ "size": 1, "metadata": { "k": "v".repeat(256) } })),
        volume(json!({ "size": 1, "multiattach": "maybe" })),
        volume(json!({ "size": 1, "snapshot_id": "../../etc/passwd" })),
        volume(json!({ "size": 1, "source_volid": "{6d9c2b0e-7d0f-4c58-9a0e-0d7c1d1f8b1a}" })),
        volume(json!({ "size": 1, "imageRef": "x'; DROP TABLE volumes; --" })),
        volume(json!({ "size": 1, "source_volid": id, "snapshot_id": id })),
        volume(json!({ "size": 1, "group_id": id })),
        volume(json!({ "size": 1, "consistencygroup_id": id })),
        volume(json!({ "size": 1, "backup_id": id })),
        json!({ "volume": { "size": 1 }, "OS-SCH-HNT:scheduler_hints": { "same_host": id } }).to_string(),
    ];
    for body in bodies {
        let shown: String = body.chars().take(80).collect();
        let answer = bench.raw("POST", "/v3/demo/volumes", "latest", Some(body)).await;
        assert_eq!(answer.status.as_u16(), 400, "{shown}: {answer:?}");
        answer.refused(400);
    }
    assert_eq!(bench.contents().await, before);
}

#[tokio::test]
async fn the_field_that_was_wrong_is_named() {
    let bench = Bench::new().await;
    for (body, field) in [
        (json!({ "volume": { "size": 1, "sise": 2 } }), "sise"),
        (json!({ "volume": { "size": -1 } }), "size"),
        (json!({ "volume": { "size": 1, "source_volid": "x" } }), "source_volid"),
        (json!({ "volume": { "size": 1, "metadata": { "k": 1 } } }), "metadata"),
        (json!({ "volumes": { "size": 1 } }), "volume"),
    ] {
        let message = bench.post("/v3/demo/volumes", body).await.refused(400);
        assert!(message.contains(field), "{field}: {message}");
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let bench = Bench::new().await;
    let before = bench.contents().await;
    let body = json!({ "volume": { "size": 1, "description": "d".repeat(200_000) } }).to_string();
    let answer = bench.raw("POST", "/v3/demo/volumes", "latest", Some(body)).await;
    answer.refused(413);
    assert!(answer.json()["overLimit"].is_object());
    assert_eq!(bench.contents().await, before);
}

#[tokio::test]
async fn a_form_is_not_json() {
    let bench = Bench::new().await;
    for (kind, status) in [
        ("application/x-www-form-urlencoded", 415),
        ("text/plain", 415),
        ("application/xml", 415),
        ("application/json; charset=utf-8", 202),
    ] {
        let request = Request::post("/v3/demo/volumes").header("Content-Type", kind);
        let request = request.body(Body::from("{\"volume\": {\"size\": 1}}")).expect("a request");
        assert_eq!(bench.send(request).await.status.as_u16(), status, "{kind}");
    }
}

#[tokio::test]
async fn ids_with_path_tricks_name_nothing() {
    let bench = Bench::new().await;
    bench.report("fast").await;
    bench.available("a").await;
    let before = bench.contents().await;
    let tricks = [
        "..",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e",
        "%00",
        "%0a",
        "'%20OR%20'1'='1",
        "%7B6d9c2b0e-7d0f-4c58-9a0e-0d7c1d1f8b1a%7D",
        "6d9c2b0e7d0f4c589a0e0d7c1d1f8b1a",
        "urn:uuid:6d9c2b0e-7d0f-4c58-9a0e-0d7c1d1f8b1a",
        "*",
        "null",
        "xxxxxxxx",
    ];
    for trick in tricks {
        for thing in ["volumes", "snapshots", "attachments", "types", "messages"] {
            let path = format!("/v3/demo/{thing}/{trick}");
            bench.get(&path).await.refused(404);
            bench.delete(&path).await.refused(404);
        }
        bench.post(&format!("/v3/demo/volumes/{trick}/action"), json!({ "os-reserve": null })).await.refused(404);
    }
    let long = format!("/v3/demo/volumes/{}", "x".repeat(5000));
    let message = bench.get(&long).await.refused(404);
    assert!(message.len() < 500, "{message}");
    // A project is part of the path too.
    bench.get("/v3/..%2f/volumes").await.refused(400);
    bench.get("/v3/%ff/volumes").await.refused(400);
    assert_eq!(bench.contents().await, before);
}
