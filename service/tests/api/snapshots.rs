//! Snapshots.

use serde_json::{Value, json};

use crate::bench::Bench;

const NOBODY: &str = "6d9c2b0e-7d0f-4c58-9a0e-0d7c1d1f8b1a";

async fn with_snapshot() -> (Bench, String, Value) {
    let bench = Bench::new().await;
    bench.report("fast").await;
    let volume = bench.available("a").await;
    let body = json!({ "snapshot": { "volume_id": volume, "name": "s", "metadata": { "k": "v" } } });
    let made = bench.post("/v3/demo/snapshots", body).await.expect(202);
    (bench, volume, made)
}

#[tokio::test]
async fn a_snapshot_is_made_shown_changed_and_listed() {
    let (bench, volume, made) = with_snapshot().await;
    let snapshot = &made["snapshot"];
    assert_eq!(snapshot["status"], "creating");
    assert_eq!(snapshot["volume_id"], volume);
    assert_eq!(snapshot["size"], 1);
    let path = format!("/v3/demo/snapshots/{}", snapshot["id"].as_str().expect("an id"));
    let shown = bench.get(&path).await.expect(200);
    assert_eq!(shown["snapshot"]["id"], snapshot["id"]);
    // Only who asks afterwards is told whose it is, as in Cinder.
    assert_eq!(shown["snapshot"]["os-extended-snapshot-attributes:project_id"], "demo");
    assert_eq!(snapshot["os-extended-snapshot-attributes:project_id"], Value::Null);
    let changed = bench.put(&path, json!({ "snapshot": { "name": "t" } })).await.expect(200);
    assert_eq!(changed["snapshot"]["name"], "t");
    for list in ["snapshots", "snapshots/detail"] {
        let found = bench.get(&format!("/v3/demo/{list}?volume_id={volume}&status=creating")).await.expect(200);
        assert_eq!(found["snapshots"][0]["name"], "t", "{list}");
        let none = bench.get(&format!("/v3/demo/{list}?volume_id={NOBODY}&with_count=1")).await.expect(200);
        assert_eq!(none, json!({ "snapshots": [], "count": 0 }), "{list}");
    }
    assert_eq!(bench.get(&format!("{path}/metadata")).await.expect(200), json!({ "metadata": { "k": "v" } }));
    bench.delete(&format!("{path}/metadata/k")).await.expect(200);
    bench.get(&path.replace("demo", "other")).await.refused(404);
    bench.post(&format!("{path}/action"), json!({ "os-reset_status": { "status": "error" } })).await.expect(202);
    assert_eq!(bench.get(&path).await.expect(200)["snapshot"]["status"], "error");
    bench.post(&format!("{path}/action"), json!({ "os-reset_status": { "status": "in-use" } })).await.refused(400);
    bench.delete(&path).await.expect(202);
    assert_eq!(bench.get(&path).await.expect(200)["snapshot"]["status"], "deleting");
}

#[tokio::test]
async fn a_volume_with_snapshots_goes_by_cascade_only() {
    let (bench, volume, made) = with_snapshot().await;
    let id = made["snapshot"]["id"].as_str().expect("an id");
    let reset = json!({ "os-reset_status": { "status": "available" } });
    bench.post(&format!("/v3/demo/snapshots/{id}/action"), reset).await.expect(202);
    let path = format!("/v3/demo/volumes/{volume}");
    bench.delete(&path).await.refused(400);
    bench.delete(&format!("{path}?cascade=True")).await.expect(202);
}

#[tokio::test]
async fn a_volume_in_use_needs_force_until_3_66() {
    let bench = Bench::new().await;
    bench.report("fast").await;
    let volume = bench.available("a").await;
    let attach = json!({ "os-attach": { "host_name": "h", "mountpoint": "/dev/vdb" } });
    bench.post(&format!("/v3/demo/volumes/{volume}/action"), attach).await.expect(202);
    let take = async |version: &str, force: Value| {
        let body = json!({ "snapshot": { "volume_id": volume, "force": force } }).to_string();
        bench.raw("POST", "/v3/demo/snapshots", version, Some(body)).await.status.as_u16()
    };
    assert_eq!(take("3.65", json!(false)).await, 400);
    assert_eq!(take("3.65", json!("true")).await, 202);
    assert_eq!(take("3.66", json!(null)).await, 202);
    assert_eq!(take("3.66", json!(false)).await, 400);
    assert_eq!(take("3.66", json!(true)).await, 202);
}

#[tokio::test]
async fn snapshots_of_nothing_are_refused() {
    let bench = Bench::new().await;
    bench.post("/v3/demo/snapshots", json!({ "snapshot": { "volume_id": NOBODY } })).await.refused(404);
    bench.post("/v3/demo/snapshots", json!({ "snapshot": { "volume_id": null } })).await.refused(404);
    bench.post("/v3/demo/snapshots", json!({ "snapshot": { "name": "s" } })).await.refused(400);
    bench.post("/v3/demo/snapshots", json!({ "snapshot": { "volume_id": NOBODY, "x": 1 } })).await.refused(400);
}
