use std::path::Path;

use ashlar_common::driver::{Capabilities, Kind};
use ashlar_conformance::{
    outcome::{Outcome, ensure},
    subject::Host,
};

use crate::bench::Script;

/// Answers whatever it is asked with an empty inventory.
const EMPTY: &str = r#"{"id":$id,"answer":{"volumes":[],"snapshots":[]}}"#;

async fn start(script: &Script) -> Host {
    script.host().start().await.map_err(|stop| format!("{stop:?}")).expect("started")
}

fn ctx() -> ashlar_common::driver::OpCtx {
    use std::time::Duration;
    ashlar_common::driver::OpCtx::new(
        ashlar_common::ids::OpId::new(),
        Duration::from_secs(60),
        tokio_util::sync::CancellationToken::new(),
    )
}

#[test]
fn one_that_answers_passes() {
    let outcome = Script::answering(EMPTY).play(|stage| {
        Box::pin(async {
            let listed = stage.driver().await.list(&stage.ctx()).await;
            ensure(listed.is_ok_and(|inventory| inventory.volumes.is_empty()), || "not empty".to_owned())
        })
    });
    assert_eq!(outcome, Outcome::Passed);
}

#[tokio::test(flavor = "multi_thread")]
async fn capabilities_are_those_of_the_first_line() {
    let host = start(&Script::answering(EMPTY)).await;
    let expected = Capabilities { revert: true, ..Capabilities::default() };
    assert_eq!(Capabilities::of(host.driver.as_ref()), expected);
    assert_eq!(host.driver.info().name, "tiny");
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_reaches_the_context() {
    let progress = r#"{"id":$id,"progress":{"done":1,"total":4}}"#;
    let host = start(&Script::answering(&format!("{progress}\n{EMPTY}"))).await;
    let ctx = ctx();
    host.driver.list(&ctx).await.expect("listed");
    assert_eq!(ctx.watch_progress().borrow().percent(), 25);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_calls_than_it_takes_wait_for_their_turn() {
    let host = start(&Script::answering(EMPTY)).await;
    let calls = (0..50).map(|_| {
        let driver = std::sync::Arc::clone(&host.driver);
        tokio::spawn(async move { driver.list(&ctx()).await })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.expect("no panic").expect("listed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_one_is_dead_with_all_that_it_started() {
    let script = Script::after_hello(
        "sleep 600 & echo $! > \"${0%/*}/child\"; echo $$ > \"${0%/*}/pid\"; while read -r line; do :; done",
    );
    let host = start(&script).await;
    let waiting = {
        let driver = std::sync::Arc::clone(&host.driver);
        tokio::spawn(async move { driver.list(&ctx()).await })
    };
    let pids: Vec<String> = ["pid", "child"].map(|name| read(&script.path().join(name))).into();
    host.life.kill().await;
    let error = waiting.await.expect("no panic").expect_err("killed");
    assert!(matches!(error.kind(), Kind::Indeterminate | Kind::Unavailable), "{error}");
    let after = host.driver.list(&ctx()).await.expect_err("dead");
    assert_eq!(after.kind(), Kind::Unavailable);
    for pid in pids {
        // A zombie that its new parent has not fetched has no command line.
        let gone = || std::fs::read(format!("/proc/{pid}/cmdline")).map_or(true, |line| line.is_empty());
        eventually(gone);
    }
}

/// What a script writes to a file, once it has.
fn read(path: &Path) -> String {
    let mut text = String::new();
    eventually(|| {
        text = std::fs::read_to_string(path).unwrap_or_default();
        text.ends_with('\n')
    });
    text.trim().to_owned()
}

fn eventually(mut holds: impl FnMut() -> bool) {
    let started = std::time::Instant::now();
    while !holds() {
        assert!(started.elapsed() < std::time::Duration::from_secs(20), "it never came to be");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}
