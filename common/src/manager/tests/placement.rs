//! Where volumes go by hints and functions, through the store and as a request would ask it.

use super::bench::Bench;
use crate::{
    ids::VolumeId,
    manager::{NewVolume, OperatorFunctions, Question, Refusal, Source, explain},
    scheduler::{Filter, Hints, Query},
    state::Status,
    store::records::{Metadata, VolumeRecord},
    units::ByteCount,
};

const HINTS: &str = "scheduler.filters = ['SameBackendFilter', 'DifferentBackendFilter', 'InstanceLocalityFilter', \
                     'JsonFilter', 'CapacityFilter']\n";

fn gib(count: u64) -> ByteCount {
    ByteCount::from_gib(count).expect("small")
}

async fn hinted(bench: &Bench, hints: Hints) -> Result<VolumeRecord, Refusal> {
    let new = NewVolume {
        name: None,
        description: None,
        size: Some(gib(1)),
        source: Source::Empty,
        type_id: None,
        availability_zone: None,
        metadata: Metadata::new(),
        multi_attach: false,
        hints,
    };
    bench.intake.create_volume(&bench.who, new).await
}

async fn check_refused(bench: &Bench, hints: Hints, part: &str) {
    match hinted(bench, hints).await {
        Err(Refusal::Invalid(text)) => assert!(text.contains(part), "{text}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn volumes_are_kept_together_or_apart() {
    let bench = Bench::configured(10, HINTS).await;
    let first = bench.create(1).await;
    let near = Hints { same_host: vec![first.id], ..Hints::default() };
    assert_eq!(hinted(&bench, near).await.expect("taken in").place, first.place);
    let away = Hints { different_host: vec![first.id], ..Hints::default() };
    let nowhere = hinted(&bench, away).await.expect("taken in");
    assert_eq!((nowhere.status, nowhere.place), (Status::Error, None));
    let said = "schedule allocate volume: no pool fits: disk#pool (DifferentBackend): one of the volumes named by \
                different_host is on it";
    assert_eq!(bench.messages().await, [said]);
}

#[tokio::test]
async fn a_hint_that_cannot_be_followed_is_refused_by_name() {
    let bench = Bench::configured(10, HINTS).await;
    let absent = VolumeId::new();
    let hints = Hints { same_host: vec![absent], ..Hints::default() };
    check_refused(&bench, hints, &format!("same_host names volume {absent}, which could not be found")).await;
    let hints = Hints { different_host: vec![absent; 101], ..Hints::default() };
    check_refused(&bench, hints, "different_host names more than 100 volumes").await;
    let hints = Hints { local_to_instance: Some(uuid::Uuid::nil()), ..Hints::default() };
    check_refused(&bench, hints, "no attachment says where it runs").await;

    let plain = Bench::new(10).await;
    let query = Query::read(r#"["=", "$pool_name", "pool"]"#).expect("a query");
    let hints = Hints { query: Some(query.clone()), ..Hints::default() };
    check_refused(&plain, hints.clone(), "the scheduler hint query is not followed here: it takes JsonFilter").await;
    assert!(hinted(&bench, hints).await.expect("taken in").place.is_some());
}

#[tokio::test]
async fn the_operators_function_reaches_the_scheduler_with_the_report() {
    let config = "scheduler.filters = ['DriverFilter']\n[backends.disk]\ndriver = 'memory'\n\
                  filter_function = 'volume.size < 3'\n";
    let bench = Bench::configured(10, config).await;
    assert!(bench.create(2).await.place.is_some());
    assert_eq!(bench.create(3).await.status, Status::Error);
    let said = "no pool fits: disk#pool (Driver): its filter_function does not hold: \"volume.size < 3\"";
    assert!(bench.messages().await[0].ends_with(said));

    let mut worker = bench.worker().await;
    worker.functions = OperatorFunctions::default();
    worker.report_once().await.expect("a report");
    assert!(bench.create(3).await.place.is_some(), "the function is gone with the next report");
}

#[tokio::test]
async fn explaining_decides_as_a_request_would_and_changes_nothing() {
    let bench = Bench::new(10).await;
    let ask = async |size| {
        let question = Question { size: gib(size), ..Question::default() };
        explain(bench.intake.store(), &bench.config, question).await.expect("an answer")
    };
    let fits = ask(10).await;
    assert_eq!(fits.chosen().expect("a pool").to_string(), "disk#pool");
    assert_eq!(fits.fitting[0].scores[0].raw, Some(10.0));
    let too_large = ask(11).await;
    assert_eq!((too_large.chosen(), too_large.fallen[0].filter), (None, Filter::Capacity));
    assert!(bench.messages().await.is_empty());
    let question = Question { size: gib(1), volume_type: Some("gold".to_owned()), ..Question::default() };
    let refused = explain(bench.intake.store(), &bench.config, question).await.expect_err("no such type");
    assert_eq!(refused.to_string(), "volume type gold could not be found");
}
