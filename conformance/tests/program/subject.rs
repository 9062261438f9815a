use ashlar_conformance::{
    cases::{Case, Run},
    outcome::Outcome,
    program::ProgramSubject,
    stage::Stage,
    subject::Subject,
    suite,
};
use tempfile::TempDir;

use crate::bench::{CASE, Script};

const VOLUME: &str = r#"{"id":"6d9c2b0e-7d0f-4c58-9a0e-0d7c1d1f8b1a","pool":"pool"}"#;

/// Knows statistics, a list, and how to attach by `protocol`; everything else it says it did.
fn script(volumes: &str, protocol: &str) -> Script {
    with_room(1 << 20, volumes, protocol)
}

fn with_room(room: u64, volumes: &str, protocol: &str) -> Script {
    let stats = serde_json::json!({ "pools": [{
        "name": "pool", "total": { "known": room }, "free": { "known": room }, "allocated": "unknown",
        "reserved_percentage": 0, "max_over_subscription_ratio": 1.0, "provisioning": "thin",
        "thin_metadata_free_percentage": null,
    }] });
    let volume = format!(r#"{{"volume":{VOLUME},"size":4096,"allocated":null,"attachments":[]}}"#);
    let connection = format!(r#"{{"driver_volume_type":"{protocol}","data":{{"target":"somewhere"}}}}"#);
    Script::replying(&[
        ("stats", &stats.to_string()),
        ("list", &format!(r#"{{"volumes":[{volumes}],"snapshots":[]}}"#)),
        ("create", &format!(r#"{{"changed":{volume}}}"#)),
        ("delete", r#"{"unchanged":null}"#),
        ("detach", r#"{"unchanged":null}"#),
        ("attach", &format!(r#"{{"changed":{connection}}}"#)),
    ])
}

fn attaching(stage: &Stage) -> Run<'_> {
    Box::pin(async {
        let volume = stage.create(4096).await?;
        // A case that takes a client which cannot connect for one that is kept out.
        let _kept_out = stage.attach(&volume).await;
        Ok(())
    })
}

fn play(script: &Script, folder: &TempDir) -> Outcome {
    let subject: std::sync::Arc<dyn Subject> =
        std::sync::Arc::new(ProgramSubject::new(script.host(), folder.path().to_owned(), None));
    suite::run(&subject, Case { behaviour: CASE, run: attaching }).outcome
}

#[test]
fn a_protocol_that_the_suite_is_no_client_of_is_not_run_and_says_what_is_missing() {
    for (protocol, word) in [("iscsi", "open-iscsi"), ("rbd", "rbd-nbd"), ("nfs", "mount.nfs"), ("other", "`other`")] {
        let outcome = play(&script("", protocol), &TempDir::new().unwrap());
        assert!(matches!(&outcome, Outcome::NotRun(why) if why.contains(word)), "{outcome:?}");
    }
}

#[test]
fn a_backend_with_something_on_it_is_left_alone() {
    let volume = format!(r#"{{"volume":{VOLUME},"size":4096,"allocated":null,"attachments":[]}}"#);
    let folder = TempDir::new().unwrap();
    let outcome = play(&script(&volume, "local"), &folder);
    assert!(matches!(&outcome, Outcome::NotRun(why) if why.contains("is not empty: 1 volumes")), "{outcome:?}");
    // Seen empty first, it is the suite's own, and what cannot be removed is a failure.
    assert!(!matches!(play(&script("", "local"), &folder), Outcome::NotRun(_)));
    let outcome = play(&script(&volume, "local"), &folder);
    assert!(matches!(&outcome, Outcome::Failed(why) if why.contains("1 volumes and 0 snapshots")), "{outcome:?}");
}

#[test]
fn a_pool_that_is_too_large_to_be_filled_is_not_run() {
    let outcome = play(&with_room(2 << 30, "", "local"), &TempDir::new().unwrap());
    assert!(matches!(&outcome, Outcome::NotRun(why) if why.contains("at most 1024 MiB")), "{outcome:?}");
}

#[test]
fn what_it_can_do_is_what_it_says_where_nobody_says_more() {
    let folder = TempDir::new().unwrap();
    let claims = ProgramSubject::new(script("", "local").host(), folder.path().to_owned(), None).claims();
    assert!(claims.capabilities.revert && !claims.capabilities.migrate && claims.snapshot_attached);
    assert!(!claims.allocated_known && claims.usage_known && !claims.thick);
}
