//! Scheduler hints in `POST /volumes`.

use serde_json::{Value, json};

use crate::bench::Bench;

const HINTS: &str = "scheduler.filters = ['SameBackendFilter', 'DifferentBackendFilter', 'JsonFilter']";
const NOBODY: &str = "6d9c2b0e-7d0f-4c58-9a0e-0d7c1d1f8b1a";

/// Where a volume of these hints is put.
async fn host(bench: &Bench, member: &str, hints: Value) -> Value {
    let body = json!({ "volume": { "size": 1 }, member: hints });
    let made = bench.post("/v3/demo/volumes", body).await.expect(202);
    let id = made["volume"]["id"].as_str().expect("an id").to_owned();
    let shown = bench.get(&format!("/v3/demo/volumes/{id}")).await.expect(200);
    shown["volume"]["os-vol-host-attr:host"].clone()
}

#[tokio::test]
async fn volumes_go_where_hints_ask() {
    let bench = Bench::configured(HINTS).await;
    for backend in ["fast", "slow"] {
        bench.report(backend).await;
    }
    let first = bench.available("first").await;
    for member in ["OS-SCH-HNT:scheduler_hints", "scheduler_hints"] {
        assert_eq!(host(&bench, member, json!({ "same_host": first })).await, "ashlar@fast#all");
        assert_eq!(host(&bench, member, json!({ "different_host": [first] })).await, "ashlar@slow#all");
        let query = json!({ "query": "[\"=\", \"$backend_id\", \"ashlar@slow#all\"]" });
        assert_eq!(host(&bench, member, query).await, "ashlar@slow#all");
        assert_eq!(host(&bench, member, Value::Null).await, "ashlar@fast#all");
    }
}

#[tokio::test]
async fn a_hint_that_cannot_be_followed_is_refused_by_name() {
    let bench = Bench::configured(HINTS).await;
    bench.report("fast").await;
    let before = bench.contents().await;
    for (hints, part) in [
        (json!({ "same_host": NOBODY }), "same_host names volume"),
        (json!({ "same_host": "first" }), "same_host in scheduler hints must be the id of a volume"),
        (json!({ "local_to_instance": NOBODY }), "local_to_instance is not followed here"),
        (json!({ "query": "[\"=\", \"$colour\", \"red\"]" }), "pools report no \"$colour\""),
        (json!({ "force_host": "fast" }), "unknown field \"force_host\""),
    ] {
        let body = json!({ "volume": { "size": 1 }, "OS-SCH-HNT:scheduler_hints": hints });
        let said = bench.post("/v3/demo/volumes", body).await.refused(400);
        assert!(said.contains(part), "{said}");
    }
    assert_eq!(bench.contents().await, before);
}
