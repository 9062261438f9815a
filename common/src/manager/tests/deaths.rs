//! Every row of the table of recovery: a process dies at each point of each request, and another goes on.

use super::{
    backend::Fault,
    bench::{self, Bench},
    mortal::dies,
    request::{Things, ask, prepare},
    seen::{Seen, assert_end, seen},
};
use crate::{
    driver::Kind,
    manager::{
        Intake,
        recovery::table::{Next, Request},
    },
    points::Point,
    wakeup::{Ear, Sleeper},
};

/// A case for each request of the table, and one that says so if a request has none.
macro_rules! deaths {
    ($($name:ident = $request:ident,)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                every_death_of(Request::$request).await;
            }
        )*

        #[test]
        fn every_request_of_the_table_has_its_case() {
            assert_eq!([$(Request::$request),*], Request::ALL);
        }
    };
}

deaths! {
    create = Create,
    create_from_snapshot = CreateFromSnapshot,
    clone = Clone,
    image_in = ImageIn,
    image_out = ImageOut,
    delete = Delete,
    delete_with_snapshots = DeleteWithSnapshots,
    extend = Extend,
    extend_attached = ExtendAttached,
    revert = Revert,
    create_snapshot = CreateSnapshot,
    delete_snapshot = DeleteSnapshot,
    attach = Attach,
    detach = Detach,
    note = Note,
}

async fn every_death_of(request: Request) {
    let bench = Bench::configured(1000, "scheduler.stale_after_seconds = 3600").await;
    let mut rows = 0;
    for point in Point::ALL {
        if let Some(next) = request.after(*point) {
            death(&bench, request, *point, next).await;
            rows += 1;
        }
    }
    assert!(rows >= 2, "{request:?} dies somewhere");
}

async fn death(bench: &Bench, request: Request, point: Point, next: Next) {
    let row = format!("{request:?} at {point}: {next:?}");
    let things = {
        let _host = bench.host().await;
        prepare(bench, request).await
    };
    let before = seen(bench).await;
    bench.backend.account();

    let asked = kill(bench, request, point, &things).await;
    let host = bench.host().await;
    bench.quiet().await;
    if let Some(asked) = asked {
        asked.await.expect("no panic").unwrap_or_else(|refusal| panic!("{row}: {refusal}"));
    }
    drop(host);

    assert_account(bench, request, point, next, &row);
    let after = seen(bench).await;
    assert_sound(bench, &after, &row).await;
    match next {
        Next::Nothing => assert_eq!(after, before, "{row}"),
        _ => assert_end(request, &things, &before, &after, &row),
    }
}

/// Has the process that comes to `point` die there. What asked, where it lives on, waits for its answer.
async fn kill(
    bench: &Bench,
    request: Request,
    point: Point,
    things: &Things,
) -> Option<tokio::task::JoinHandle<Result<(), crate::manager::Refusal>>> {
    let location = bench.intake.store().location().clone();
    let (config, who, things) = (bench.config.clone(), bench.who.clone(), things.clone());
    if matches!(point, Point::Logged | Point::TakenIn | Point::Rung) {
        let life = async move |store| {
            let intake = Intake::new(store, &config).expect("a request side");
            ask(&intake, &who, request, &things).await
        };
        dies(location, point, life).await;
        return None;
    }
    let intake = bench.intake.clone();
    let asked = tokio::spawn(async move { ask(&intake, &who, request, &things).await });
    if matches!(point, Point::Deferring | Point::Deferred) {
        bench.backend.fail([Fault::Before(Kind::Unavailable)]);
    }
    // A host looks at the backend only where one before it had claimed the operation.
    let earlier = (point == Point::Inspected).then_some(Point::Claimed);
    for point in earlier.into_iter().chain([point]) {
        let (backend, config) = (bench.backend.clone(), bench.config.clone());
        let life = async move |store| {
            let worker = bench::worker(store, backend, &config).await;
            let ear = Ear::bind(&config.run_directory(), &Sleeper::Host(worker.backend.clone())).expect("an ear");
            worker.run(&ear).await
        };
        dies(location.clone(), point, life).await;
    }
    Some(asked)
}

/// The backend was looked at and called as the table says, and nothing took effect twice.
fn assert_account(bench: &Bench, request: Request, point: Point, next: Next, row: &str) {
    let (calls, changes, looks) = bench.backend.account();
    let whole = request.rule().calls;
    let by_the_dead = match point {
        Point::Between | Point::Deferring | Point::Deferred => &whole[..1],
        Point::Performed | Point::Concluded | Point::Committed | Point::Told => whole,
        _ => &[],
    };
    let by_the_next = match next {
        Next::Nothing | Next::LookAndFinish | Next::Ended => &[],
        Next::Call | Next::LookAndCall | Next::CallAgain => whole,
    };
    assert_eq!(calls, [by_the_dead, by_the_next].concat(), "{row}: calls");
    let rewrites = matches!(request, Request::ImageOut | Request::Revert) && by_the_dead == whole;
    let effects = match next {
        Next::Nothing => vec![],
        Next::CallAgain if rewrites && !matches!(point, Point::Deferring | Point::Deferred) => [whole, whole].concat(),
        _ => whole.to_vec(),
    };
    assert_eq!(changes, effects, "{row}: effects");
    assert_eq!(looks > 0, matches!(next, Next::LookAndCall | Next::LookAndFinish), "{row}: {looks} looks");
}

/// Nothing is under way or transient, and records, backend and room agree.
async fn assert_sound(bench: &Bench, after: &Seen, row: &str) {
    assert_eq!(after.transient(), Vec::<String>::new(), "{row}");
    let found = super::crash::differences(&bench.worker().await).await;
    assert!(found.is_empty(), "{row}: {found:?}");
    let promised = bench.intake.store().read().await.expect("a view").pool_use().await.expect("sums");
    let held = bench.backend.held_bytes();
    assert_eq!(promised.iter().map(|pool| pool.provisioned).sum::<crate::units::ByteCount>(), held, "{row}: room");
}
