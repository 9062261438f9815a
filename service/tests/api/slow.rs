//! Clients that are slow on purpose: they keep nobody waiting, and are gone in time.

use std::time::Duration;

use ashlar::api::ApiSettings;
use tokio::time::sleep;

use crate::socket::{Served, get, post_head};

const CROWD: usize = 500;

fn impatient(settings: &mut ApiSettings) {
    let limits = &mut settings.limits;
    (limits.idle_seconds, limits.head_seconds, limits.stall_seconds) = (1, 1, 1);
}

async fn is_served(served: &Served) {
    for path in ["/v3/demo/volumes", "/healthcheck"] {
        let heard = served.get(path).await;
        assert!(heard.starts_with("HTTP/1.1 200"), "{heard}");
    }
}

#[tokio::test]
async fn half_a_head_is_given_up() {
    let served = Served::with(impatient).await;
    let crowd = served.crowd(CROWD, "GET /v3/demo/volumes HTTP/1.1\r\nHo").await;
    is_served(&served).await;
    for mut client in crowd {
        assert_eq!(client.rest().await, "");
    }
    assert_eq!(served.metric("ashlar_connections_closed_total{why=\"head\"}").await, CROWD as u64);
}

#[tokio::test]
async fn a_head_that_trickles_is_given_up() {
    let served = Served::with(impatient).await;
    let mut crowd = served.crowd(CROWD, "GET /v3/demo/volumes HTTP/1.1\r\nX: ").await;
    is_served(&served).await;
    // Each goes on byte by byte until it finds its connection closed; that all do is what ends this.
    while !crowd.is_empty() {
        let mut open = Vec::new();
        for mut client in crowd {
            if client.try_write("x").await {
                open.push(client);
            }
        }
        crowd = open;
        sleep(Duration::from_millis(50)).await;
    }
    is_served(&served).await;
}

#[tokio::test]
async fn one_who_asks_nothing_is_given_up() {
    let served = Served::with(impatient).await;
    let mut kept = served.connect().await;
    kept.write("GET /v3 HTTP/1.1\r\nHost: here\r\n\r\n").await;
    let crowd = served.crowd(CROWD, "").await;
    is_served(&served).await;
    for mut client in crowd {
        assert_eq!(client.rest().await, "");
    }
    let heard = kept.rest().await;
    assert!(heard.starts_with("HTTP/1.1 200") && !heard.contains("connection: close"), "{heard}");
    assert_eq!(served.metric("ashlar_connections_closed_total{why=\"idle\"}").await, CROWD as u64 + 1);
}

#[tokio::test]
async fn half_a_body_is_given_up_and_told_so() {
    let served = Served::with(impatient).await;
    let half = post_head("/v3/demo/volumes", 1000) + "{\"volume\":";
    let crowd = served.crowd(CROWD, &half).await;
    is_served(&served).await;
    for mut client in crowd {
        let heard = client.rest().await;
        assert!(heard.starts_with("HTTP/1.1 408") && heard.contains("too slowly"), "{heard}");
    }
    assert_eq!(served.metric("ashlar_requests_refused_total{lack=\"speed\"}").await, CROWD as u64);
    assert_eq!(served.metric("ashlar_bodies_in_flight_bytes").await, 0);
}

#[tokio::test]
async fn answers_that_nobody_reads_are_given_up() {
    let served = Served::with(|settings| {
        impatient(settings);
        settings.limits.answer_mib = 32;
    })
    .await;
    served.bench.report("fast").await;
    let volume = served.bench.available("a").await;
    served.bench.copies(&volume, 749).await;
    let whole = served.get("/v3/demo/volumes/detail").await;
    assert!(whole.len() > 550_000 && whole.starts_with("HTTP/1.1 200"), "{}", whole.len());
    let mut crowd = Vec::new();
    for _ in 0..CROWD {
        let mut client = served.connect_narrow().await;
        client.write(&get("/v3/demo/volumes/detail")).await;
        crowd.push(client);
    }
    let heard = served.get(&format!("/v3/demo/volumes/{volume}")).await;
    assert!(heard.starts_with("HTTP/1.1 200"), "{heard}");
    let lent = served.metric("ashlar_answers_in_flight_bytes").await;
    assert!(lent <= 32 << 20, "{lent}");
    // Nobody reads, and yet everybody is gone in the end.
    served.alone().await;
    assert_eq!(served.metric("ashlar_answers_in_flight_bytes").await, 0);
    for mut client in crowd {
        let heard = client.rest().await;
        assert!(heard.len() < whole.len(), "cut off, or refused");
    }
    // Who reads gets all of it, though slowly: what counts is that it goes on.
    let mut reader = served.connect_narrow().await;
    reader.write(&get("/v3/demo/volumes/detail")).await;
    assert!(reader.rest().await.len() > 550_000);
}

#[tokio::test]
async fn newcomers_get_the_places_of_those_who_only_hold_them() {
    let served = Served::with(|settings| settings.limits.connections = 50).await;
    // Ten times as many as there are places, none of which is late by any limit.
    let crowd = served.crowd(CROWD, "").await;
    is_served(&served).await;
    let half = served.crowd(CROWD, "GET / HT").await;
    is_served(&served).await;
    assert!(served.metric("ashlar_connections ").await <= 50);
    assert!(served.metric("ashlar_connections_closed_total{why=\"room\"}").await > 900);
    drop((crowd, half));
}

#[tokio::test]
async fn heads_are_bounded() {
    let served = Served::with(|settings| settings.limits.head_bytes = 8192).await;
    let long = format!("GET / HTTP/1.1\r\nHost: here\r\nX: {}\r\n\r\n", "x".repeat(20_000));
    let many = format!("GET / HTTP/1.1\r\nHost: here\r\n{}\r\n", "X: y\r\n".repeat(200));
    for head in [long, many] {
        let mut client = served.connect().await;
        client.write(&head).await;
        let heard = client.rest().await;
        assert!(heard.starts_with("HTTP/1.1 431") || heard.is_empty(), "{heard}");
    }
    is_served(&served).await;
}
