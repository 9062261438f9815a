//! That the way to a driver adds what it should, and nothing else.

use std::{sync::Arc, time::Duration};

use ashlar_common::{
    driver::{Capabilities, Driver, Kind, Outcome, VolumeSpec},
    stats::Provisioning,
};

use super::{Fault, Faulty};
use crate::{
    memory::{MemorySubject, Settings},
    stage::Stage,
    subject::Subject,
};

async fn stage(capable: bool) -> Stage {
    let settings = Settings { capable, ..Settings::new(Provisioning::Thin) };
    let subject: Arc<dyn Subject> = Arc::new(MemorySubject::new("memory", settings));
    Stage::raise(&subject, 1).await.expect("memory is always there")
}

/// A stage, what to make on it, and the way there on which this happens to `create`.
async fn on_the_way(fault: Fault) -> (Stage, VolumeSpec, Faulty) {
    let stage = stage(true).await;
    let plan = move |call| if call == "create" { fault } else { Fault::None };
    let faulty = Faulty::new(stage.driver().await, Arc::new(plan));
    let spec = stage.spec(4096).expect("a size");
    (stage, spec, faulty)
}

/// Whether the driver has the volume.
async fn is_there(stage: &Stage, spec: &VolumeSpec) -> bool {
    stage.inspect(&spec.volume).await.expect("it can be inspected").is_some()
}

#[tokio::test]
async fn every_capability_is_passed_on_and_none_is_added() {
    for capable in [true, false] {
        let stage = stage(capable).await;
        let inner = stage.driver().await;
        let faulty = Faulty::new(Arc::clone(&inner), Arc::new(|_| Fault::None));
        let Capabilities { multi_attach, online_extend, revert, manage, group_snapshots, qos, migrate, active_active } =
            Capabilities::of(inner.as_ref());
        let all = [multi_attach, online_extend, revert, manage, group_snapshots, qos, migrate, active_active];
        assert_eq!(all, [capable; 8], "a capability of which nothing can be seen here");
        assert_eq!(Capabilities::of(&faulty), Capabilities::of(inner.as_ref()));
        assert_eq!(faulty.info(), inner.info());
    }
}

#[tokio::test]
async fn a_refused_call_has_no_effect() {
    let (stage, spec, faulty) = on_the_way(Fault::Before(Kind::Busy)).await;
    let error = faulty.create(&stage.ctx(), &spec).await.expect_err("it is refused");
    assert_eq!((error.kind(), is_there(&stage, &spec).await), (Kind::Busy, false));
}

#[tokio::test]
async fn a_lost_answer_has_its_effect() {
    let (stage, spec, faulty) = on_the_way(Fault::After).await;
    let error = faulty.create(&stage.ctx(), &spec).await.expect_err("its answer is lost");
    assert_eq!((error.kind(), is_there(&stage, &spec).await), (Kind::Indeterminate, true));
}

#[tokio::test]
async fn a_call_that_hangs_ends_with_its_context() {
    for (fault, effect) in [(Fault::HangBefore, false), (Fault::HangAfter, true)] {
        let (stage, spec, faulty) = on_the_way(fault).await;
        let (ctx, hanging) = (stage.ctx(), faulty.hanging());
        let stop = async {
            hanging.await;
            ctx.cancel().cancel();
        };
        let (answer, ()) = tokio::join!(faulty.create(&ctx, &spec), stop);
        let kind = answer.expect_err("it hangs").kind();
        assert_eq!((kind, is_there(&stage, &spec).await), (Kind::Indeterminate, effect));
    }
}

#[tokio::test]
async fn a_late_call_is_a_call() {
    let late = Duration::from_millis(20);
    let (stage, spec, faulty) = on_the_way(Fault::Delay(late)).await;
    let began = tokio::time::Instant::now();
    let answer = faulty.create(&stage.ctx(), &spec).await.expect("it is only late");
    assert!(matches!(answer, Outcome::Changed(_)) && began.elapsed() >= late);
}

#[tokio::test]
async fn other_calls_go_their_way() {
    let (stage, spec, faulty) = on_the_way(Fault::Before(Kind::Unavailable)).await;
    assert!(faulty.stats(&stage.ctx()).await.is_ok() && faulty.inspect(&stage.ctx(), &spec.volume).await.is_ok());
}
