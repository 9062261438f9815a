//! What operators and schedulers of other services ask.

use serde_json::json;

use crate::bench::Bench;

#[tokio::test]
async fn pools_are_told_as_the_scheduler_sees_them() {
    let bench = Bench::new().await;
    bench.report("fast").await;
    let brief = bench.get("/v3/demo/scheduler-stats/get_pools").await.expect(200);
    assert_eq!(brief, json!({ "pools": [{ "name": "ashlar@fast#all" }] }));
    let detail = bench.get("/v3/demo/scheduler-stats/get_pools?detail=True").await.expect(200);
    let capabilities = &detail["pools"][0]["capabilities"];
    assert_eq!(capabilities["total_capacity_gb"], 100.0);
    assert_eq!(capabilities["volume_backend_name"], "fast");
    let none = bench.get("/v3/demo/scheduler-stats/get_pools?name=other@x%23y").await.expect(200);
    assert_eq!(none, json!({ "pools": [] }));
    let can = bench.get("/v3/demo/capabilities/ashlar@fast").await.expect(200);
    assert_eq!(can["namespace"], "OS::Storage::Capabilities::ashlar@fast");
    assert!(can["properties"]["online_extend_support"].is_object());
    bench.get("/v3/demo/capabilities/ashlar@slow").await.refused(404);
}

#[tokio::test]
async fn a_service_is_taken_out_of_scheduling_and_back() {
    let bench = Bench::new().await;
    bench.report("fast").await;
    let services =
        async |query: &str| bench.get(&format!("/v3/demo/os-services{query}")).await.expect(200)["services"].clone();
    assert_eq!(services("").await.as_array().map(Vec::len), Some(2));
    let service = &services("?binary=cinder-volume&host=ashlar@fast").await[0];
    assert_eq!((&service["state"], &service["status"]), (&json!("up"), &json!("enabled")));
    let change = async |verb: &str, body| bench.put(&format!("/v3/demo/os-services/{verb}"), body).await;
    let host = json!({ "host": "ashlar@fast", "binary": "cinder-volume", "disabled_reason": "new disks" });
    change("disable-log-reason", host).await.expect(200);
    let service = &services("?binary=cinder-volume").await[0];
    assert_eq!((&service["status"], &service["disabled_reason"]), (&json!("disabled"), &json!("new disks")));
    let volume = bench.post("/v3/demo/volumes", json!({ "volume": { "size": 1 } })).await.expect(202);
    assert_eq!(volume["volume"]["status"], "error");
    change("enable", json!({ "host": "ashlar@fast", "binary": "cinder-volume" })).await.expect(200);
    assert_eq!(services("?binary=cinder-volume").await[0]["status"], "enabled");
    change("disable-log-reason", json!({ "host": "ashlar@fast", "binary": "cinder-volume" })).await.refused(400);
    change("disable", json!({ "host": "ashlar@fast", "binary": "invalid" })).await.refused(404);
    change("enable", json!({ "host": "invalid", "binary": "cinder-volume" })).await.refused(404);
    change("freeze", json!({ "host": "invalid" })).await.refused(400);
    change("thaw", json!({ "host": "invalid" })).await.refused(400);
}

#[tokio::test]
async fn usage_is_counted_and_nothing_is_limited() {
    let bench = Bench::new().await;
    bench.report("fast").await;
    bench.available("a").await;
    let limits = bench.get("/v3/demo/limits").await.expect(200);
    let absolute = &limits["limits"]["absolute"];
    assert_eq!((&absolute["totalVolumesUsed"], &absolute["maxTotalVolumes"]), (&json!(1), &json!(-1)));
    let plain = bench.get("/v3/demo/os-quota-sets/demo").await.expect(200);
    assert_eq!((&plain["quota_set"]["id"], &plain["quota_set"]["volumes"]), (&json!("demo"), &json!(-1)));
    let usage = bench.get("/v3/demo/os-quota-sets/demo?usage=True").await.expect(200);
    assert_eq!(usage["quota_set"]["gigabytes"]["in_use"], 1);
    bench.get("/v3/demo/os-quota-sets/demo/defaults").await.expect(200);
}

#[tokio::test]
async fn zones_and_extensions_are_listed() {
    let bench = Bench::new().await;
    bench.report("fast").await;
    let zones = bench.get("/v3/demo/os-availability-zone").await.expect(200);
    assert_eq!(zones, json!({ "availabilityZoneInfo": [{ "zoneName": "nova", "zoneState": { "available": true } }] }));
    let extensions = bench.get("/v3/demo/extensions").await.expect(200);
    assert!(extensions["extensions"].as_array().is_some_and(|list| !list.is_empty()));
    bench.get("/v3/demo/extensions/os-services").await.expect(200);
    bench.get("/v3/demo/extensions/none").await.refused(404);
    let filters = bench.get("/v3/demo/resource_filters?resource=attachment").await.expect(200);
    assert_eq!(filters["resource_filters"][0]["filters"][2], "volume_id");
}
