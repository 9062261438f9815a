//! Five hundred kills, over both stores: every operation ends, and what was promised is so.

use std::sync::atomic::AtomicBool;

use ashlar_storm::{
    ground::{Protocol, Provisioning},
    options::{Driver, Options, StoreKind, Stores},
    storm::storm,
};

const KILLS: u64 = 250;
const SEED: u64 = 5;

fn breaks_no_promise(kind: StoreKind, say: &mut dyn FnMut(&str)) {
    let options = Options {
        store: Stores::Both,
        kills: KILLS,
        clients: 64,
        apis: 3,
        backends: 2,
        driver: Driver::Local,
        protocol: Protocol::Local,
        provisioning: Provisioning::Thin,
        round: 25,
        pause: 150,
        seed: Some(SEED),
        programs: None,
        directory: None,
    };
    let stop = AtomicBool::new(false);
    let report = storm(&options, kind, KILLS, SEED, &stop, say).expect("a storm");
    say(&report.text());
    assert!(report.is_good(), "{:#?}", report.faults);
    assert!(report.kills >= KILLS);
    let blows: u64 = report.blows.values().sum();
    assert!(report.met_work >= blows / 4, "kills that meet no work prove nothing: {} of {blows}", report.met_work);
    assert!(report.verified > 0, "no bytes were compared");
}

#[test]
fn a_storm_over_a_file_breaks_no_promise() {
    breaks_no_promise(StoreKind::Sqlite, &mut |line| println!("{line}"));
}

#[test]
fn a_storm_over_a_server_that_is_killed_too_breaks_no_promise() {
    breaks_no_promise(StoreKind::Postgres, &mut |line| println!("{line}"));
}
