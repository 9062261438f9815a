//! Versions, headers, and paths that are not there.

use axum::{body::Body, http::Request};

use crate::bench::Bench;

#[tokio::test]
async fn the_root_offers_choices_and_v3_answers() {
    let bench = Bench::new().await;
    let root = bench.get("/").await;
    let choices = root.expect(300);
    assert_eq!(choices["versions"][0]["links"][1]["href"], "http://127.0.0.1:8776/v3/");
    for path in ["/v3", "/v3/"] {
        assert_eq!(bench.get(path).await.expect(200), choices, "{path}");
    }
}

#[tokio::test]
async fn the_version_served_is_in_the_answer() {
    let bench = Bench::new().await;
    for (asked, status, served) in [
        ("3.0", 200, "volume 3.0"),
        ("3.50", 200, "volume 3.50"),
        ("latest", 200, "volume 3.70"),
        ("3.999", 406, "volume 3.0"),
        ("2.0", 406, "volume 3.0"),
        ("three", 400, "volume 3.0"),
    ] {
        let answer = bench.raw("GET", "/v3/demo/volumes", asked, None).await;
        assert_eq!(answer.status.as_u16(), status, "{asked}");
        assert_eq!(answer.headers["openstack-api-version"], served, "{asked}");
        assert_eq!(answer.headers["vary"], "OpenStack-API-Version", "{asked}");
    }
}

#[tokio::test]
async fn every_answer_has_a_request_id() {
    let bench = Bench::new().await;
    for path in ["/", "/v3/demo/volumes", "/nothing", "/healthcheck", "/v3/demo/volumes/x"] {
        let answer = bench.get(path).await;
        let id = answer.headers["x-openstack-request-id"].to_str().expect("text");
        assert!(id.starts_with("req-") && id.len() == 40, "{path}: {id}");
        assert_eq!(answer.headers["x-compute-request-id"], id, "{path}");
    }
}

#[tokio::test]
async fn what_is_not_served_is_said_in_the_documented_shape() {
    let bench = Bench::new().await;
    for (method, path) in [
        ("GET", "/nothing"),
        ("GET", "/v3/demo/nothing"),
        ("GET", "/v3/demo/volumes/"),
        ("DELETE", "/v3/demo/volumes"),
        ("PUT", "/v3/demo/volumes"),
        ("PATCH", "/v3/demo/types/x"),
        ("BREW", "/v3/demo/volumes"),
    ] {
        let answer = bench.raw(method, path, "latest", None).await;
        answer.refused(404);
        assert!(answer.json()["itemNotFound"].is_object(), "{method} {path}");
    }
}

#[tokio::test]
async fn what_a_version_does_not_have_is_not_there() {
    let bench = Bench::new().await;
    for (path, without, with) in [
        ("/v3/demo/attachments", "3.26", "3.27"),
        ("/v3/demo/messages", "3.2", "3.3"),
        ("/v3/demo/volumes/summary", "3.11", "3.12"),
    ] {
        bench.raw("GET", path, without, None).await.refused(404);
        bench.raw("GET", path, with, None).await.expect(200);
    }
}

#[tokio::test]
async fn token_and_url_must_name_one_project() {
    let bench = Bench::new().await;
    let ask = async |token: &str, path: &str| {
        let request = Request::get(path).header("X-Auth-Token", token).body(Body::empty()).expect("a request");
        bench.send(request).await.status.as_u16()
    };
    assert_eq!(ask("ann:demo", "/v3/demo/volumes").await, 200);
    assert_eq!(ask("ann:demo", "/v3/volumes").await, 200);
    assert_eq!(ask("ann:demo", "/v3/other/volumes").await, 400);
}

#[tokio::test]
async fn health_and_metrics_are_told() {
    let bench = Bench::new().await;
    bench.report("fast").await;
    let health = bench.get("/healthcheck").await;
    assert_eq!((health.status.as_u16(), health.text.as_str()), (200, "OK"));
    bench.get("/v3/demo/volumes/6d9c2b0e-7d0f-4c58-9a0e-0d7c1d1f8b1a").await.refused(404);
    let metrics = bench.get("/metrics").await.text;
    for line in [
        "ashlar_build_info{version=\"",
        "ashlar_api_requests_total{method=\"GET\",route=\"/v3/{project_id}/volumes/{id}\",status=\"404\"} 1",
        "ashlar_api_request_duration_seconds_count{method=\"GET\",route=\"/healthcheck\"} 1",
        "ashlar_backend_up{backend=\"fast\"} 1",
        "ashlar_pool_capacity_bytes{backend=\"fast\",pool=\"all\",what=\"total\"} 107374182400",
        "# EOF",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
}

#[tokio::test]
async fn a_store_that_is_gone_is_a_503_with_the_reason() {
    let bench = Bench::new().await;
    bench.store.close().await;
    let health = bench.get("/healthcheck").await;
    assert_eq!(health.status.as_u16(), 503);
    assert!(!health.text.is_empty());
    bench.get("/v3/demo/volumes").await.refused(503);
}

#[tokio::test]
async fn a_request_that_cannot_be_done_in_time_changes_nothing() {
    let bench = Bench::with(|settings| settings.request_timeout = std::time::Duration::from_millis(20)).await;
    // The store has one writer, and here it never ends.
    let writer = bench.store.write().await.expect("a transaction");
    let before = bench.contents().await;
    bench.post("/v3/demo/types", serde_json::json!({ "volume_type": { "name": "gold" } })).await.refused(504);
    drop(writer);
    assert_eq!(bench.contents().await, before);
}
