//! Volumes: made, shown, changed, acted on, removed.

use axum::{body::Body, http::Request};
use serde_json::{Value, json};

use crate::bench::Bench;

const NOBODY: &str = "6d9c2b0e-7d0f-4c58-9a0e-0d7c1d1f8b1a";

fn id(answer: &Value) -> String {
    answer["volume"]["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn a_volume_is_made_as_clients_ask_for_it() {
    let bench = Bench::new().await;
    bench.report("fast").await;
    // What cinderclient sends: every field it knows, most of them null.
    let body = json!({ "volume": {
        "size": 2, "consistencygroup_id": null, "snapshot_id": null, "name": "root", "description": null,
        "volume_type": null, "availability_zone": null, "metadata": { "k": "v" }, "imageRef": null,
        "source_volid": null, "backup_id": null, "multiattach": false,
    }});
    let made = bench.post("/v3/demo/volumes", body).await.expect(202);
    let volume = &made["volume"];
    assert_eq!(volume["status"], "creating");
    assert_eq!(volume["size"], 2);
    assert_eq!(volume["availability_zone"], "nova");
    assert_eq!(volume["metadata"], json!({ "k": "v" }));
    // Only who asks afterwards is told where it is and whose, as in Cinder.
    assert_eq!(volume["os-vol-host-attr:host"], Value::Null);
    let shown = bench.get(&format!("/v3/demo/volumes/{}", id(&made))).await.expect(200);
    assert_eq!(shown["volume"]["os-vol-host-attr:host"], "ashlar@fast#all");
    assert_eq!(shown["volume"]["os-vol-tenant-attr:tenant_id"], "demo");
    // The project in the URL may be left out, and the token then names it.
    let request = Request::get(format!("/v3/volumes/{}", id(&made))).header("X-Auth-Token", "ann:demo");
    let request = request.body(Body::empty()).expect("a request");
    assert_eq!(id(&bench.send(request).await.expect(200)), id(&made));
}

#[tokio::test]
async fn a_volume_without_a_place_is_in_error_and_says_why() {
    let bench = Bench::new().await;
    let made = bench.post("/v3/demo/volumes", json!({ "volume": { "size": "1" } })).await.expect(202);
    assert_eq!(made["volume"]["status"], "error");
    let messages = bench.get(&format!("/v3/demo/messages?resource_uuid={}", id(&made))).await.expect(200);
    let message = &messages["messages"][0];
    assert_eq!(message["resource_uuid"], id(&made));
    let path = format!("/v3/demo/messages/{}", message["id"].as_str().expect("an id"));
    assert_eq!(bench.get(&path).await.expect(200)["message"], *message);
    bench.delete(&path).await.expect(204);
    bench.get(&path).await.refused(404);
    bench.delete(&path).await.refused(404);
    bench.delete(&format!("/v3/demo/volumes/{}", id(&made))).await.expect(202);
    bench.get(&format!("/v3/demo/volumes/{}", id(&made))).await.refused(404);
}

#[tokio::test]
async fn name_description_and_metadata_can_be_changed() {
    let bench = Bench::new().await;
    bench.report("fast").await;
    let path = format!("/v3/demo/volumes/{}", bench.available("old").await);
    let changed =
        bench.put(&path, json!({ "volume": { "name": "new", "description": "two\nlines" } })).await.expect(200);
    assert_eq!(changed["volume"]["name"], "new");
    assert_eq!(changed["volume"]["description"], "two\nlines");
    let changed = bench.put(&path, json!({ "volume": { "description": null } })).await.expect(200);
    assert_eq!((&changed["volume"]["name"], &changed["volume"]["description"]), (&json!("new"), &Value::Null));
    bench.put(&path, json!({ "volume": {} })).await.refused(400);
}

#[tokio::test]
async fn metadata_is_merged_replaced_and_removed() {
    let bench = Bench::new().await;
    bench.report("fast").await;
    let path = format!("/v3/demo/volumes/{}/metadata", bench.available("a").await);
    assert_eq!(bench.get(&path).await.expect(200), json!({ "metadata": {} }));
    bench.post(&path, json!({ "metadata": { "a": "1", "b": "2" } })).await.expect(200);
    let merged = bench.post(&path, json!({ "metadata": { "b": "3" } })).await.expect(200);
    assert_eq!(merged, json!({ "metadata": { "a": "1", "b": "3" } }));
    let replaced = bench.put(&path, json!({ "metadata": { "c": "4" } })).await.expect(200);
    assert_eq!(replaced, json!({ "metadata": { "c": "4" } }));
    let one = format!("{path}/c");
    assert_eq!(bench.get(&one).await.expect(200), json!({ "meta": { "c": "4" } }));
    assert_eq!(bench.put(&one, json!({ "meta": { "c": "5" } })).await.expect(200), json!({ "meta": { "c": "5" } }));
    bench.put(&one, json!({ "meta": { "d": "5" } })).await.refused(400);
    bench.delete(&one).await.expect(200);
    bench.delete(&one).await.refused(404);
    bench.get(&one).await.refused(404);
}

#[tokio::test]
async fn another_projects_volume_does_not_exist() {
    let bench = Bench::new().await;
    bench.report("fast").await;
    let id = bench.available("a").await;
    let before = bench.contents().await;
    let path = format!("/v3/other/volumes/{id}");
    bench.get(&path).await.refused(404);
    bench.put(&path, json!({ "volume": { "name": "mine" } })).await.refused(404);
    bench.delete(&path).await.refused(404);
    bench.post(&format!("{path}/action"), json!({ "os-reserve": null })).await.refused(404);
    bench.post(&format!("{path}/metadata"), json!({ "metadata": {} })).await.refused(404);
    assert_eq!(bench.contents().await, before);
}

#[tokio::test]
async fn the_older_way_to_attach_goes_by_actions() {
    let bench = Bench::new().await;
    bench.report("fast").await;
    let path = format!("/v3/demo/volumes/{}", bench.available("a").await);
    let act = async |body: Value, status: u16| {
        bench.post(&format!("{path}/action"), body).await.expect(status);
        bench.get(&path).await.expect(200)["volume"]["status"].clone()
    };
    assert_eq!(act(json!({ "os-reserve": null }), 202).await, "attaching");
    assert_eq!(act(json!({ "os-reserve": null }), 400).await, "attaching");
    assert_eq!(act(json!({ "os-unreserve": {} }), 202).await, "available");
    let attach = json!({ "os-attach": { "instance_uuid": NOBODY, "mountpoint": "/dev/vdb", "mode": "rw" } });
    assert_eq!(act(attach, 202).await, "in-use");
    let attached = &bench.get(&path).await.expect(200)["volume"]["attachments"][0];
    assert_eq!((&attached["server_id"], &attached["device"]), (&json!(NOBODY), &json!("/dev/vdb")));
    bench.delete(&path).await.refused(400);
    assert_eq!(act(json!({ "os-begin_detaching": null }), 202).await, "detaching");
    assert_eq!(act(json!({ "os-roll_detaching": null }), 202).await, "in-use");
    assert_eq!(act(json!({ "os-attach": {} }), 400).await, "in-use");
}

#[tokio::test]
async fn other_actions_change_what_they_say() {
    let bench = Bench::new().await;
    bench.report("fast").await;
    let path = format!("/v3/demo/volumes/{}", bench.available("a").await);
    let action = format!("{path}/action");
    bench.post(&action, json!({ "os-set_bootable": { "bootable": "True" } })).await.expect(200);
    assert_eq!(bench.get(&path).await.expect(200)["volume"]["bootable"], "true");
    bench.post(&action, json!({ "os-reset_status": { "status": "error" } })).await.expect(202);
    assert_eq!(bench.get(&path).await.expect(200)["volume"]["status"], "error");
    bench.post(&action, json!({ "os-reset_status": { "status": "available" } })).await.expect(202);
    bench.post(&action, json!({ "os-reset_status": { "status": "splendid" } })).await.refused(400);
    for size in [json!(1), json!(null), json!("one"), json!(0)] {
        bench.post(&action, json!({ "os-extend": { "new_size": size } })).await.refused(400);
    }
    bench.post(&action, json!({ "os-extend": { "new_size": 1000 } })).await.refused(413);
    bench.post(&action, json!({ "os-extend": { "new_size": 3 } })).await.expect(202);
    assert_eq!(bench.get(&path).await.expect(200)["volume"]["status"], "extending");
    bench.post(&action, json!({ "os-reset_status": { "attach_status": "detached" } })).await.refused(400);
    bench.post(&action, json!({ "os-reset_status": { "migration_status": "none" } })).await.expect(202);
    bench.post(&action, json!({ "os-paint": { "colour": "red" } })).await.refused(400);
    bench.post(&action, json!({ "os-reserve": null, "os-unreserve": null })).await.refused(400);
    bench.post(&action, json!({})).await.refused(400);
}

#[tokio::test]
async fn a_source_that_is_not_there_is_not_found() {
    let bench = Bench::new().await;
    bench.report("fast").await;
    for source in ["snapshot_id", "source_volid"] {
        bench.post("/v3/demo/volumes", json!({ "volume": { "size": 1, source: NOBODY } })).await.refused(404);
    }
    bench.post("/v3/demo/volumes", json!({ "volume": { "size": 1, "volume_type": "none" } })).await.refused(404);
    bench.post("/v3/demo/volumes", json!({ "volume": { "size": 1, "volume_type": NOBODY } })).await.refused(404);
}

#[tokio::test]
async fn whatever_status_was_set_it_can_be_deleted() {
    let bench = Bench::new().await;
    bench.report("fast").await;
    for status in ["creating", "attaching", "error", "maintenance", "error_deleting", "deleting"] {
        let action = format!("/v3/demo/volumes/{}/action", bench.available("a").await);
        bench.post(&action, json!({ "os-reset_status": { "status": status } })).await.expect(202);
        bench.post(&action, json!({ "os-force_delete": {} })).await.expect(202);
    }
    let path = format!("/v3/demo/volumes/{}", bench.available("a").await);
    bench.delete(&format!("{path}?cascade=False&force=True")).await.expect(202);
}

#[tokio::test]
async fn nothing_is_encrypted() {
    let bench = Bench::new().await;
    bench.report("fast").await;
    let path = format!("/v3/demo/volumes/{}/encryption", bench.available("a").await);
    assert_eq!(bench.get(&path).await.expect(200), json!({ "encryption_key_id": null }));
    bench.get(&format!("/v3/demo/volumes/{NOBODY}/encryption")).await.refused(404);
}
