//! Lists: paged, sorted, filtered, counted.

use serde_json::{Value, json};

use crate::bench::Bench;

fn names(answer: &Value) -> Vec<&str> {
    let volumes = answer["volumes"].as_array().expect("a list");
    volumes.iter().map(|volume| volume["name"].as_str().expect("a name")).collect()
}

async fn five() -> Bench {
    let bench = Bench::new().await;
    bench.report("fast").await;
    for (name, size, metadata) in [
        ("a", 3, json!({ "tier": "gold" })),
        ("b", 1, json!({})),
        ("c", 2, json!({ "tier": "gold", "it's": "\"odd\"" })),
        ("d", 2, json!({ "tier": "tin" })),
        ("e_", 5, json!({})),
    ] {
        let volume = json!({ "volume": { "name": name, "size": size, "metadata": metadata } });
        bench.post("/v3/demo/volumes", volume).await.expect(202);
    }
    bench
}

#[tokio::test]
async fn links_lead_through_all_pages() {
    let bench = five().await;
    for list in ["/v3/demo/volumes", "/v3/demo/volumes/detail"] {
        let mut path = format!("{list}?limit=2&sort=name:asc");
        let mut seen = Vec::new();
        for _ in 0..5 {
            let page = bench.get(&path).await.expect(200);
            seen.extend(names(&page).into_iter().map(str::to_owned));
            let Some(next) = page["volumes_links"][0]["href"].as_str() else { break };
            assert!(
                next.starts_with(&format!("http://127.0.0.1:8776{list}?limit=2&sort=name%3Aasc&marker=")),
                "{next}"
            );
            path = next.trim_start_matches("http://127.0.0.1:8776").to_owned();
        }
        assert_eq!(seen, ["a", "b", "c", "d", "e_"], "{list}");
    }
}

#[tokio::test]
async fn newest_come_first_unless_asked_otherwise() {
    let bench = five().await;
    let list = async |query: &str| bench.get(&format!("/v3/demo/volumes?{query}")).await.expect(200);
    assert_eq!(names(&list("").await), ["e_", "d", "c", "b", "a"]);
    assert_eq!(names(&list("sort=size:asc,name:desc").await), ["b", "d", "c", "a", "e_"]);
    assert_eq!(names(&list("sort_key=name&sort_dir=asc").await), ["a", "b", "c", "d", "e_"]);
    assert_eq!(names(&list("sort=name:asc&offset=1&limit=2").await), ["b", "c"]);
    assert_eq!(names(&list("limit=0").await), [""; 0]);
}

#[tokio::test]
async fn filters_leave_what_they_name() {
    let bench = five().await;
    let check = async |query: &str, expected: &[&str]| {
        let answer = bench.get(&format!("/v3/demo/volumes/detail?sort=name:asc&{query}")).await.expect(200);
        assert_eq!(names(&answer), expected, "{query}");
    };
    check("name=b", &["b"]).await;
    check("name~=_", &["e_"]).await;
    check("status=creating", &["a", "b", "c", "d", "e_"]).await;
    check("status=nonsense", &[]).await;
    check("bootable=true", &[]).await;
    check("bootable=False&size=2", &["c", "d"]).await;
    check("availability_zone=nova&name=a", &["a"]).await;
    check("availability_zone=moon", &[]).await;
    check("host=ashlar@fast%23all&name=a", &["a"]).await;
    check("host=ashlar@slow", &[]).await;
    check("metadata=%7B%27tier%27%3A+%27gold%27%7D", &["a", "c"]).await;
    check("metadata=%7B%22it%27s%22%3A%27%22odd%22%27%7D", &["c"]).await;
    check("created_at=gt:2020-01-01T00:00:00&name=a", &["a"]).await;
    check("created_at=gt:2020-01-01T00:00:00,lt:2021-01-01T00:00:00", &[]).await;
    check("consumes_quota=false", &[]).await;
}

#[tokio::test]
async fn all_tenants_sees_all_and_one_project_itself() {
    let bench = five().await;
    bench.post("/v3/other/volumes", json!({ "volume": { "name": "o", "size": 1 } })).await.expect(202);
    let check = async |path: &str, expected: &[&str]| {
        assert_eq!(names(&bench.get(path).await.expect(200)), expected, "{path}");
    };
    check("/v3/other/volumes", &["o"]).await;
    check("/v3/other/volumes?project_id=demo", &["o"]).await;
    check("/v3/other/volumes?all_tenants=1&project_id=demo&name=a", &["a"]).await;
    check("/v3/other/volumes?all_tenants=true&limit=2", &["o", "e_"]).await;
    check("/v3/other/volumes?all_tenants=0", &["o"]).await;
}

#[tokio::test]
async fn the_count_is_that_of_all_pages() {
    let bench = five().await;
    let list =
        async |version: &str| bench.raw("GET", "/v3/demo/volumes?limit=2&with_count=true&size=2", version, None).await;
    assert_eq!(list("3.45").await.expect(200)["count"], 2);
    // Before, the word was not known.
    list("3.44").await.refused(400);
    let summary = bench.get("/v3/demo/volumes/summary").await.expect(200);
    let metadata = json!({ "tier": ["gold", "tin"], "it's": ["\"odd\""] });
    let expected = json!({ "total_count": 5, "total_size": 13, "metadata": metadata });
    assert_eq!(summary["volume-summary"], expected);
}

#[tokio::test]
async fn an_answer_never_holds_more_than_a_page() {
    let bench = Bench::with(|settings| settings.page_limit = 3).await;
    bench.report("fast").await;
    for _ in 0..4 {
        bench.post("/v3/demo/volumes", json!({ "volume": { "size": 1 } })).await.expect(202);
    }
    let page = bench.get("/v3/demo/volumes?limit=100").await.expect(200);
    assert_eq!(page["volumes"].as_array().map(Vec::len), Some(3));
    assert!(page["volumes_links"][0]["href"].is_string());
}

#[tokio::test]
async fn what_cannot_be_listed_is_refused() {
    let bench = five().await;
    for (query, status) in [
        ("limit=-1", 400),
        ("limit=x", 400),
        ("offset=99999999999", 400),
        ("sort=moon", 400),
        ("sort=name:up", 400),
        ("sort=name&sort_key=name", 400),
        ("colour=red", 400),
        ("bootable=maybe", 400),
        ("all_tenants=some", 400),
        ("metadata=tier", 400),
        ("created_at=yesterday", 400),
        ("name=a&name=b", 400),
        ("marker=6d9c2b0e-7d0f-4c58-9a0e-0d7c1d1f8b1a", 404),
        ("marker=..%2F..%2Fetc", 404),
    ] {
        bench.get(&format!("/v3/demo/volumes?{query}")).await.refused(status);
        bench.get(&format!("/v3/demo/volumes/detail?{query}")).await.refused(status);
    }
    bench.raw("GET", "/v3/demo/volumes?created_at=gt:2020-01-01T00:00:00", "3.59", None).await.refused(400);
    bench.raw("GET", "/v3/demo/volumes?name~=a", "3.33", None).await.refused(400);
}
