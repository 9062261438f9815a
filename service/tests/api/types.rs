//! Volume types.

use serde_json::json;

use crate::bench::Bench;

#[tokio::test]
async fn a_type_is_made_changed_used_and_removed() {
    let bench = Bench::new().await;
    bench.report("fast").await;
    let body = json!({ "volume_type": {
        "name": "gold", "description": "quick", "os-volume-type-access:is_public": true,
        "extra_specs": { "volume_backend_name": "fast" },
    }});
    let made = bench.post("/v3/demo/types", body.clone()).await.expect(200);
    let id = made["volume_type"]["id"].as_str().expect("an id");
    assert_eq!(made["volume_type"]["extra_specs"], json!({ "volume_backend_name": "fast" }));
    bench.post("/v3/demo/types", body).await.refused(409);
    let path = format!("/v3/demo/types/{id}");
    let shown = bench.get(&path).await.expect(200);
    assert_eq!((&shown["volume_type"]["name"], &shown["volume_type"]["qos_specs_id"]), (&json!("gold"), &json!(null)));
    let changed = bench.put(&path, json!({ "volume_type": { "description": "quicker" } })).await.expect(200);
    assert_eq!(
        (&changed["volume_type"]["name"], &changed["volume_type"]["description"]),
        (&json!("gold"), &json!("quicker"))
    );
    for name in ["gold", id] {
        let volume = json!({ "volume": { "size": 1, "volume_type": name } });
        let volume = bench.post("/v3/demo/volumes", volume).await.expect(202);
        assert_eq!(volume["volume"]["volume_type"], "gold");
        assert_eq!(volume["volume"]["volume_type_id"], id);
    }
    bench.delete(&path).await.refused(400);
    let other = bench.post("/v3/demo/types", json!({ "volume_type": { "name": "tin" } })).await.expect(200);
    let other = format!("/v3/demo/types/{}", other["volume_type"]["id"].as_str().expect("an id"));
    bench.put(&other, json!({ "volume_type": { "name": "gold" } })).await.refused(409);
    bench.delete(&other).await.expect(202);
    bench.get(&other).await.refused(404);
}

#[tokio::test]
async fn extra_specs_are_a_resource_of_their_own() {
    let bench = Bench::new().await;
    let made = bench.post("/v3/demo/types", json!({ "volume_type": { "name": "gold" } })).await.expect(200);
    let path = format!("/v3/demo/types/{}/extra_specs", made["volume_type"]["id"].as_str().expect("an id"));
    let given = json!({ "extra_specs": { "multiattach": "<is> True", "vendor:qos": "7" } });
    assert_eq!(bench.post(&path, given.clone()).await.expect(200), given);
    assert_eq!(bench.get(&path).await.expect(200), given);
    let one = format!("{path}/vendor:qos");
    assert_eq!(bench.put(&one, json!({ "vendor:qos": "8" })).await.expect(200), json!({ "vendor:qos": "8" }));
    assert_eq!(bench.get(&one).await.expect(200), json!({ "vendor:qos": "8" }));
    bench.delete(&one).await.expect(202);
    bench.get(&one).await.refused(404);
    bench.delete(&one).await.refused(404);
    for body in
        [json!({ "a": "1", "vendor:qos": "2" }), json!({ "other": "1" }), json!({}), json!({ "vendor:qos": null })]
    {
        bench.put(&one, body).await.refused(400);
    }
    for body in
        [json!({ "extra_specs": null }), json!({ "extra_specs": "x" }), json!({ "extra_specs": { "a/b": "c" } })]
    {
        bench.post(&path, body).await.refused(400);
    }
}

#[tokio::test]
async fn private_types_are_listed_when_asked_for() {
    let bench = Bench::new().await;
    for (name, public) in [("a", true), ("b", false), ("__DEFAULT__", true)] {
        let body = json!({ "volume_type": { "name": name, "os-volume-type-access:is_public": public } });
        bench.post("/v3/demo/types", body).await.expect(200);
    }
    let check = async |query: &str, expected: &[&str]| {
        let answer = bench.get(&format!("/v3/demo/types?sort=name:asc&{query}")).await.expect(200);
        let types = answer["volume_types"].as_array().expect("a list");
        let names: Vec<_> = types.iter().map(|kind| kind["name"].as_str().expect("a name")).collect();
        assert_eq!(names, expected, "{query}");
    };
    check("", &["__DEFAULT__", "a"]).await;
    check("is_public=None", &["__DEFAULT__", "a", "b"]).await;
    check("is_public=false", &["b"]).await;
    check("is_public=none&limit=1&offset=1", &["a"]).await;
    assert_eq!(bench.get("/v3/demo/types/default").await.expect(200)["volume_type"]["name"], "__DEFAULT__");
    bench.get("/v3/demo/types?is_public=perhaps").await.refused(400);
    bench.get("/v3/demo/types?marker=x").await.refused(404);
}

#[tokio::test]
async fn types_need_a_name() {
    let bench = Bench::new().await;
    for name in [json!(""), json!("  "), json!(null), json!("n".repeat(256)), json!(5)] {
        bench.post("/v3/demo/types", json!({ "volume_type": { "name": name } })).await.refused(400);
    }
    bench.get("/v3/demo/types/default").await.refused(404);
}
