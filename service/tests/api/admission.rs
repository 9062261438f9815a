//! More than can be done at once: who is let in, who waits, and what the others hear.

use serde_json::{Value, json};

use crate::{
    bench::Bench,
    socket::{Served, get, post_head},
};

/// One that is not there: to say so takes a place, too.
const VOLUME: &str = "/v3/demo/volumes/6d9c2b0e-7d0f-4c58-9a0e-0d7c1d1f8b1a";

/// A bench at which nothing more is let in, since one change waits for a writer that never ends.
async fn full(waiting: u32) -> (std::sync::Arc<Bench>, tokio::task::JoinHandle<()>, ashlar_common::store::Tx) {
    let bench = Bench::with(|settings| {
        (settings.limits.work, settings.limits.waiting, settings.limits.waiting_seconds) = (1, waiting, 1);
    })
    .await;
    let bench = std::sync::Arc::new(bench);
    let writer = bench.store.write().await.expect("a transaction");
    let changing = tokio::spawn({
        let bench = std::sync::Arc::clone(&bench);
        async move {
            bench.post("/v3/demo/types", json!({ "volume_type": { "name": "gold" } })).await.expect(200);
        }
    });
    while !metrics(&bench).await.contains("ashlar_work_in_flight{line=\"work\"} 1") {
        tokio::task::yield_now().await;
    }
    (bench, changing, writer)
}

async fn metrics(bench: &Bench) -> String {
    bench.get("/metrics").await.text
}

#[tokio::test]
async fn one_request_too_many_is_told_when_to_come_back() {
    let (bench, changing, writer) = full(0).await;
    let answer = bench.get(VOLUME).await;
    answer.refused(429);
    let seconds: u64 = answer.headers["retry-after"].to_str().expect("text").parse().expect("a number");
    assert!((1..=30).contains(&seconds), "{seconds}");
    let said = &answer.json()["overLimit"];
    assert_eq!((&said["code"], &said["retryAfter"]), (&json!(429), &Value::String(seconds.to_string())));
    // Who watches is always answered.
    assert_eq!(bench.get("/healthcheck").await.status.as_u16(), 200);
    assert!(metrics(&bench).await.contains("ashlar_requests_refused_total{lack=\"work\"} 1"));
    drop(writer);
    changing.await.expect("what was let in is done");
    bench.get(VOLUME).await.refused(404);
}

#[tokio::test]
async fn who_waits_comes_in_when_there_is_room() {
    let (bench, changing, writer) = full(1).await;
    let waiting = tokio::spawn({
        let bench = std::sync::Arc::clone(&bench);
        async move { bench.get(VOLUME).await }
    });
    while !metrics(&bench).await.contains("ashlar_requests_waiting{line=\"work\"} 1") {
        tokio::task::yield_now().await;
    }
    bench.get(VOLUME).await.refused(429);
    drop(writer);
    changing.await.expect("done");
    waiting.await.expect("answered").refused(404);
    assert!(metrics(&bench).await.contains("ashlar_requests_waiting{line=\"work\"} 0"));
}

#[tokio::test]
async fn nobody_waits_for_ever() {
    let (bench, changing, writer) = full(10).await;
    // It waits a second, and the writer is held for as long as it does.
    bench.get(VOLUME).await.refused(429);
    drop(writer);
    changing.await.expect("done");
}

#[tokio::test]
async fn lists_and_calls_that_wait_for_hosts_stand_apart() {
    let (bench, changing, writer) = full(0).await;
    let none = "/v3/demo/attachments/6d9c2b0e-7d0f-4c58-9a0e-0d7c1d1f8b1a";
    bench.get(none).await.refused(429);
    bench.get("/v3/demo/attachments").await.expect(200);
    // Refused for what it asks, so it was let in.
    bench.put(none, json!({ "attachment": {} })).await.refused(400);
    drop(writer);
    changing.await.expect("done");
}

#[tokio::test]
async fn bodies_take_no_more_memory_than_they_may() {
    let served = Served::with(|settings| {
        let limits = &mut settings.limits;
        (limits.body_mib, limits.stall_seconds, limits.bytes_per_second) = (1, 2, 1 << 20);
    })
    .await;
    // Each sends most of the largest body, and then no more.
    let half = post_head("/v3/demo/volumes", 112_000) + &"x".repeat(100_000);
    let mut crowd = served.crowd(40, &half).await;
    let mut heard = Vec::new();
    for client in &mut crowd {
        heard.push(client.rest().await);
    }
    let of = |status: &str| heard.iter().filter(|heard| heard.starts_with(status)).count();
    let (slow, refused) = (of("HTTP/1.1 408"), of("HTTP/1.1 429"));
    assert_eq!(slow + refused, 40, "{heard:?}");
    assert!(slow <= (1 << 20) / 100_000 && refused >= 30, "{slow} {refused}");
    let too_many = heard.iter().find(|heard| heard.starts_with("HTTP/1.1 429")).expect("one");
    assert!(too_many.to_lowercase().contains("retry-after: 1") && too_many.contains("overLimit"), "{too_many}");
    assert_eq!(served.metric("ashlar_requests_refused_total{lack=\"bodies\"}").await, refused as u64);
    let mut client = served.connect().await;
    let body = json!({ "volume": { "size": 1 } }).to_string();
    client.write(&(post_head("/v3/demo/volumes", body.len()) + &body + &get("/v3"))).await;
    let heard = client.rest().await;
    assert!(heard.starts_with("HTTP/1.1 202") && heard.contains("HTTP/1.1 200"), "{heard}");
}
