//! What clients see when the store's file fails, and that the service goes on by itself once the cause is gone.

use std::fs;

use ashlar_lab::disk::Disk;
use serde_json::json;

use crate::bench::{Answer, Bench};

async fn create(bench: &Bench) -> Answer {
    bench.post("/v3/demo/volumes", json!({ "volume": { "size": 1, "name": "x".repeat(255) } })).await
}

/// A 503 that says when to ask again; its message.
fn refused_for_now(answer: &Answer) -> String {
    assert_eq!(answer.headers.get("retry-after").map(|after| after.as_bytes()), Some(b"1".as_slice()), "{answer:?}");
    answer.refused(503)
}

#[tokio::test]
async fn a_full_disk_refuses_changes_and_shows_the_rest() {
    let disk = Disk::of_mib(8).expect("a disk");
    let bench = Bench::in_a_file(disk.path()).await;
    bench.report("fast").await;
    let id = bench.available("kept").await;
    let filler = disk.fill().expect("filled");
    // What the log has of the disk already can still be written.
    let mut acknowledged = 0;
    let refused = loop {
        let before = bench.contents().await;
        let answer = create(&bench).await;
        if answer.status == 202 {
            acknowledged += 1;
            continue;
        }
        assert_eq!(bench.contents().await, before, "nothing of it is kept");
        break answer;
    };
    assert!(refused_for_now(&refused).contains("disk is full"), "{refused:?}");
    refused_for_now(&bench.delete(&format!("/v3/demo/volumes/{id}")).await);
    bench.get(&format!("/v3/demo/volumes/{id}")).await.expect(200);
    let listed = bench.get("/v3/demo/volumes/detail").await.expect(200);
    assert_eq!(listed["volumes"].as_array().map(Vec::len), Some(1 + acknowledged));
    let health = bench.get("/healthcheck").await;
    assert!(health.status == 200 && health.text.starts_with("degraded") && health.text.contains("full"), "{health:?}");
    let metrics = bench.get("/metrics").await;
    assert!(metrics.text.contains("ashlar_store_up 1"), "{}", metrics.text);
    fs::remove_file(filler).expect("room");
    assert_eq!(bench.get("/healthcheck").await.text, "OK");
    create(&bench).await.expect(202);
    bench.delete(&format!("/v3/demo/volumes/{id}")).await.expect(202);
}

#[tokio::test]
async fn a_file_that_is_gone_refuses_all_until_it_is_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = Bench::in_a_file(folder.path()).await;
    bench.report("fast").await;
    let id = bench.available("kept").await;
    let before = bench.contents().await;
    let (file, aside) = (folder.path().join("store.sqlite"), folder.path().join("aside"));
    fs::rename(&file, &aside).expect("there");
    for _ in 0..2 {
        refused_for_now(&create(&bench).await);
        refused_for_now(&bench.get(&format!("/v3/demo/volumes/{id}")).await);
    }
    assert_eq!(bench.get("/healthcheck").await.status, 503);
    let metrics = bench.get("/metrics").await;
    assert!(metrics.status == 200 && metrics.text.contains("ashlar_store_up 0"), "{metrics:?}");
    assert!(!file.exists(), "no empty store is made in its place");
    fs::rename(&aside, &file).expect("back");
    assert_eq!(bench.contents().await, before);
    create(&bench).await.expect(202);
    assert_eq!(bench.get("/healthcheck").await.text, "OK");
}

#[tokio::test]
async fn a_damaged_file_is_an_error_that_keeps_its_cause_to_the_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = Bench::in_a_file(folder.path()).await;
    bench.report("fast").await;
    let id = bench.available("kept").await;
    let file = folder.path().join("store.sqlite");
    let copy = folder.path().join("copy");
    bench.store.close().await;
    let bench = Bench::in_a_file(folder.path()).await;
    fs::copy(&file, &copy).expect("copied");
    // In place of the file, as a disk that lost what it held.
    let spoilt = folder.path().join("spoilt");
    fs::write(&spoilt, vec![b'#'; 1 << 16]).expect("written");
    fs::rename(&spoilt, &file).expect("replaced");
    let answer = bench.get(&format!("/v3/demo/volumes/{id}")).await;
    assert!(answer.refused(500).contains("damaged"), "{answer:?}");
    let health = bench.get("/healthcheck").await;
    assert!(health.status == 503 && health.text.contains("damaged"), "{health:?}");
    for name in ["store.sqlite-wal", "store.sqlite-shm"] {
        let _none = fs::remove_file(folder.path().join(name));
    }
    fs::rename(&copy, &file).expect("put back");
    bench.get(&format!("/v3/demo/volumes/{id}")).await.expect(200);
    create(&bench).await.expect(202);
}
