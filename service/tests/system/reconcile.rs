//! `ashlar reconcile` beside a working service.

use ashlar_common::store::Store;
use serde_json::json;

use crate::{harness::Service, service::ashlar};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_record_knows_is_shown_then_removed_by_the_host() {
    let mut service = Service::start().await;
    let kept = service.volume(json!({ "size": 1 })).await;
    let lost = service.volume(json!({ "size": 1 })).await;
    let config = service.config().to_string_lossy().into_owned();
    let reconcile = async |more: &[&str]| ashlar(&[&["reconcile", "--config", &config], more].concat()).await;
    let (code, said) = reconcile(&[]).await;
    assert!(code == Some(0) && said.contains("agree"), "{code:?} {said}");

    let store = Store::open_file(&service.path("state/store.sqlite")).await.expect("a store");
    let mut tx = store.write().await.expect("a transaction");
    tx.remove_volume(lost.parse().expect("an id")).await.expect("removed");
    tx.commit().await.expect("committed");
    for _ in 0..2 {
        let (code, said) = reconcile(&["--dry-run", "--backend", "disk"]).await;
        assert!(code == Some(3) && said.contains("volume-without-record") && said.contains(&lost), "{code:?} {said}");
        assert!(said.contains("not yet") && said.contains("nothing was changed"), "{said}");
    }
    let (code, said) = reconcile(&["--apply"]).await;
    assert!(code == Some(3) && said.contains("not yet"), "seen for the first time: {code:?} {said}");
    let (code, said) = reconcile(&["--apply"]).await;
    assert!(code == Some(0) && said.contains("operation"), "seen again: {code:?} {said}");
    let ended = async || {
        let counts = store.read().await.expect("a view").operation_counts().await.expect("counts");
        counts.iter().all(|(_, phase, _)| phase == "done")
    };
    service.until_so("its host has removed it", ended).await;
    assert_eq!(service.reconciled().await, json!([{ "backend": "disk", "findings": [] }]));
    service.volume_is(&kept, "available").await;
    store.close().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backend_that_is_not_configured_or_not_there_is_no_agreement() {
    let mut service = Service::start().await;
    let config = service.config().to_string_lossy().into_owned();
    let (code, said) = ashlar(&["reconcile", "--config", &config, "--backend", "nonesuch"]).await;
    assert!(code == Some(1) && said.contains("nonesuch"), "{code:?} {said}");
    let (code, _) = ashlar(&["reconcile", "--config", &config, "--apply", "--dry-run"]).await;
    assert_eq!(code, Some(2));
    service.stop().await;
    std::fs::remove_dir_all(service.path("volumes")).expect("removed");
    let (code, said) = ashlar(&["reconcile", "--config", &config]).await;
    assert!(code == Some(1) && said.contains("disk"), "{code:?} {said}");
}
