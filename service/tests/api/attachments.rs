//! Attachments, as far as they need no host.

use serde_json::json;

use crate::bench::Bench;

const VM: &str = "6d9c2b0e-7d0f-4c58-9a0e-0d7c1d1f8b1a";

#[tokio::test]
async fn one_without_a_connector_reserves_the_volume() {
    let bench = Bench::new().await;
    bench.report("fast").await;
    let volume = bench.available("a").await;
    let body = json!({ "attachment": { "volume_uuid": volume, "instance_uuid": VM, "connector": null, "mode": "ro" } });
    let made = bench.post("/v3/demo/attachments", body.clone()).await.expect(200);
    let attachment = &made["attachment"];
    assert_eq!(attachment["status"], "reserved");
    assert_eq!(attachment["instance"], VM);
    assert_eq!(attachment["attach_mode"], "ro");
    assert_eq!(attachment["connection_info"], json!({}));
    assert_eq!(attachment["attached_at"], "");
    assert_eq!(bench.get(&format!("/v3/demo/volumes/{volume}")).await.expect(200)["volume"]["status"], "reserved");
    let path = format!("/v3/demo/attachments/{}", attachment["id"].as_str().expect("an id"));
    assert_eq!(bench.get(&path).await.expect(200), made);
    let listed = bench.get(&format!("/v3/demo/attachments?volume_id={volume}")).await.expect(200);
    assert_eq!(listed["attachments"][0]["id"], attachment["id"]);
    assert_eq!(bench.get("/v3/demo/attachments/detail").await.expect(200)["attachments"][0], *attachment);
    for (query, found) in [("status=reserved", 1), ("status=attached", 0), ("status=reserved&offset=1", 0)] {
        let listed = bench.get(&format!("/v3/demo/attachments?{query}")).await.expect(200);
        assert_eq!(listed["attachments"].as_array().map(Vec::len), Some(found), "{query}");
    }
    // A second client has to wait: this volume is for one.
    bench.post("/v3/demo/attachments", body).await.refused(400);
    // Nothing was exported yet, so there is nothing to complete.
    bench.post(&format!("{path}/action"), json!({ "os-complete": {} })).await.refused(400);
    bench.put(&path, json!({ "attachment": {} })).await.refused(400);
    bench.get(&path.replace("demo", "other")).await.refused(404);
    assert_eq!(bench.delete(&path).await.expect(200), json!({ "attachments": [] }));
    assert_eq!(bench.get(&format!("/v3/demo/volumes/{volume}")).await.expect(200)["volume"]["status"], "available");
    bench.get(&path).await.refused(404);
}

#[tokio::test]
async fn what_is_no_attachment_is_refused() {
    let bench = Bench::new().await;
    bench.report("fast").await;
    let volume = bench.available("a").await;
    let before = bench.contents().await;
    for (version, attachment, status) in [
        ("latest", json!({ "instance_uuid": VM }), 400),
        ("latest", json!({ "volume_uuid": VM }), 404),
        ("latest", json!({ "volume_uuid": volume, "mode": "rwx" }), 400),
        ("latest", json!({ "volume_uuid": volume, "connector": "host" }), 400),
        ("latest", json!({ "volume_uuid": volume, "connector": { "ip": "10.0.0.1" } }), 400),
        ("latest", json!({ "volume_uuid": volume, "connector": { "host": "h", "mode": "all" } }), 400),
        ("3.53", json!({ "volume_uuid": volume, "mode": "rw" }), 400),
        ("3.26", json!({ "volume_uuid": volume }), 404),
    ] {
        let body = json!({ "attachment": attachment }).to_string();
        bench.raw("POST", "/v3/demo/attachments", version, Some(body)).await.refused(status);
    }
    assert_eq!(bench.contents().await, before);
}
