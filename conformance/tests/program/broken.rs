use std::time::{Duration, Instant};

use ashlar_common::{
    driver::{Kind, OpCtx, SnapshotRef},
    ids::{OpId, SnapshotId},
};
use ashlar_conformance::{
    cases::Run,
    claims::Need,
    outcome::{Outcome, Stop, ensure},
    stage::Stage,
};
use tokio_util::sync::CancellationToken;

use crate::bench::{HELLO, Script};

/// A case that makes one call, and is content with whatever comes of it.
fn indifferent(stage: &Stage) -> Run<'_> {
    Box::pin(async {
        let ctx = OpCtx::new(OpId::new(), Duration::from_millis(500), CancellationToken::new());
        let _whatever = stage.driver().await.list(&ctx).await;
        Ok(())
    })
}

/// The same with all the time of a usual call.
fn patient(stage: &Stage) -> Run<'_> {
    Box::pin(async {
        let _whatever = stage.driver().await.list(&stage.ctx()).await;
        Ok(())
    })
}

/// A case that says how the call failed.
fn strict(stage: &Stage) -> Run<'_> {
    Box::pin(async {
        let ctx = OpCtx::new(OpId::new(), Duration::from_millis(500), CancellationToken::new());
        match stage.driver().await.list(&ctx).await {
            Ok(_) => Ok(()),
            Err(error) => Err(Stop::failed(format!("list is {}: {error}", error.kind()))),
        }
    })
}

fn reverting(stage: &Stage) -> Run<'_> {
    Box::pin(async {
        let volume = stage.spec(1 << 20)?.volume;
        let driver = stage.driver().await;
        let revert = driver.revert().ok_or_else(|| Stop::failed("no revert"))?;
        let done = revert.revert(&stage.ctx(), &SnapshotRef { id: SnapshotId::new(), volume }).await;
        done.map(drop).map_err(|error| Stop::failed(format!("revert: {}: {error}", error.kind())))
    })
}

#[test]
fn one_that_hangs_is_a_failure_in_its_time() {
    let started = Instant::now();
    let script = Script::after_hello("while read -r line; do :; done");
    script.fails(indifferent, "the program hangs: no reply to `list`");
    script.fails(strict, "list is outcome unknown");
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[test]
fn one_that_does_not_even_read_is_a_failure_in_its_time() {
    Script::after_hello("exec sleep 600").fails(indifferent, "the program hangs");
}

#[test]
fn one_that_says_nothing_is_a_failure_in_its_time() {
    Script::new("exec sleep 600").fails(indifferent, "did not say who it is within 2.0 s");
}

#[test]
fn one_that_prints_garbage_is_a_failure() {
    Script::new("echo Welcome; exec sleep 600").fails(indifferent, "\"Welcome\"");
    Script::answering("oops").fails(indifferent, "printed what is no reply");
    Script::answering("oops").fails(strict, "\"oops\"");
    Script::after_hello("printf '\\377\\000\\n'; exec sleep 600").fails(strict, "printed what is no reply");
}

#[test]
fn one_that_prints_a_line_without_end_is_a_failure() {
    Script::new("exec cat /dev/zero").fails(indifferent, "a line of more than 16777216 bytes");
    Script::after_hello("read -r line; exec cat /dev/zero").fails(indifferent, "a line of more than 16777216 bytes");
}

#[test]
fn one_that_dies_half_way_is_a_failure_with_its_last_words() {
    let dies = Script::after_hello("read -r line; echo 'the disk is gone' >&2; exit 7");
    dies.fails(indifferent, "the program ended by itself (exit status: 7): the disk is gone");
    Script::after_hello("read -r line; kill -9 $$").fails(indifferent, "signal: 9");
    Script::after_hello("read -r line; printf '{\"id\":1,'").fails(indifferent, "in the middle of a line of 8 bytes");
}

#[test]
fn one_that_does_not_open_its_backend_is_a_failure_with_its_reason() {
    Script::new("echo 'error: no volume group vg0' >&2; exit 3").fails(indifferent, "no volume group vg0");
}

#[test]
fn one_that_closes_its_output_and_stays_is_a_failure() {
    Script::after_hello("read -r line; exec sleep 600 >&-").fails(patient, "closed its standard output");
}

#[test]
fn one_that_replies_to_another_call_is_a_failure() {
    Script::answering(r#"{"id":99,"answer":null}"#).fails(indifferent, "replied to call 99, which is not under way");
}

#[test]
fn one_that_replies_twice_is_a_failure() {
    let twice = r#"{"id":$id,"answer":{"volumes":[],"snapshots":[]}}"#;
    Script::answering(&format!("{twice}\n{twice}")).fails(
        |stage| {
            Box::pin(async {
                let driver = stage.driver().await;
                let first = driver.list(&stage.ctx()).await;
                ensure(first.is_ok(), || format!("the first reply counts: {first:?}"))?;
                // The second is surely read before an answer to this could be.
                let _whatever = driver.list(&stage.ctx()).await;
                Ok(())
            })
        },
        "replied to call 1, which is not under way",
    );
}

#[test]
fn one_that_answers_with_another_type_is_a_failure() {
    Script::answering(r#"{"id":$id,"answer":[1,2]}"#).fails(indifferent, "answered `list` with something else");
    Script::answering(r#"{"id":$id,"answer":"done"}"#).fails(strict, "answered `list` with something else");
}

#[test]
fn one_that_claims_a_capability_and_answers_unsupported_is_a_failure() {
    let script = Script::answering(r#"{"id":$id,"error":{"kind":"unsupported","message":"not yet"}}"#);
    let outcome = script.play_with(reverting, Need::Revert);
    assert_eq!(outcome, Outcome::Failed("revert: unsupported: not yet".to_owned()));
}

#[test]
fn one_that_lost_a_capability_is_a_failure() {
    let less = HELLO.replace("\"revert\":true", "\"revert\":false");
    let script = Script::new(&format!("printf '%s\\n' '{less}'; while read -r line; do :; done"));
    script.fails(indifferent, "is said to be capable of");
}

#[test]
fn one_of_another_version_of_the_protocol_is_a_failure() {
    let newer = HELLO.replace("\"schema\":1", "\"schema\":2");
    Script::new(&format!("printf '%s\\n' '{newer}'; exec sleep 600")).fails(indifferent, "schema 2 is not known");
}

#[test]
fn one_that_ignores_cancellation_is_a_failure() {
    Script::after_hello("while read -r line; do :; done").fails(
        |stage| {
            Box::pin(async {
                let cancel = CancellationToken::new();
                let ctx = OpCtx::new(OpId::new(), Duration::from_secs(600), cancel.clone());
                cancel.cancel();
                let driver = stage.driver().await;
                let late = OpCtx::new(OpId::new(), Duration::from_secs(600), cancel.child_token());
                ensure(driver.list(&ctx).await.is_err(), || "cancelled before it began".to_owned())?;
                ensure(driver.list(&late).await.is_err(), || "cancelled before it began".to_owned())?;
                let cancel = CancellationToken::new();
                let ctx = OpCtx::new(OpId::new(), Duration::from_secs(600), cancel.clone());
                let (listed, ()) = tokio::join!(driver.list(&ctx), async { cancel.cancel() });
                let kind = listed.err().map(|error| error.kind());
                ensure(kind == Some(Kind::Indeterminate), || format!("{kind:?}"))
            })
        },
        "past its limit or cancellation",
    );
}

#[test]
fn one_that_is_not_there_does_not_run() {
    let script = Script::new("exit 0");
    std::fs::remove_file(script.path().join("program")).unwrap();
    let outcome = script.play(indifferent);
    assert!(matches!(&outcome, Outcome::NotRun(why) if why.contains("there is no executable")), "{outcome:?}");
}
