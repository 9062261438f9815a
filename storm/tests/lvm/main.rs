//! The whole service on LVM under kills. It runs in the lab `lvm`, with the job of that driver.

use std::sync::atomic::AtomicBool;

use ashlar_storm::{
    ground::{Protocol, Provisioning},
    options::{Driver, Options, StoreKind, Stores},
    storm::storm,
};

const KILLS: u64 = 40;
const SEED: u64 = 6;

fn breaks_no_promise(provisioning: Provisioning, protocol: Protocol, say: &mut dyn FnMut(&str)) {
    let options = Options {
        store: Stores::Sqlite,
        kills: KILLS,
        clients: 6,
        apis: 1,
        backends: 1,
        driver: Driver::Lvm,
        protocol,
        provisioning,
        round: 10,
        pause: 1500,
        seed: Some(SEED),
        programs: None,
        directory: None,
    };
    let stop = AtomicBool::new(false);
    let report = storm(&options, StoreKind::Sqlite, KILLS, SEED, &stop, say).expect("a storm");
    say(&report.text());
    assert!(report.is_good(), "{:#?}", report.faults);
    assert!(report.kills >= KILLS);
    let blows: u64 = report.blows.values().sum();
    assert!(report.met_work >= blows / 4, "kills that meet no work prove nothing: {} of {blows}", report.met_work);
    assert!(report.verified > 0, "no bytes were compared");
}

#[test]
fn a_storm_on_lvm_breaks_no_promise() {
    breaks_no_promise(Provisioning::Thin, Protocol::Local, &mut |line| println!("{line}"));
}

#[test]
fn a_storm_on_lvm_over_iscsi_breaks_no_promise() {
    breaks_no_promise(Provisioning::Thin, Protocol::Iscsi, &mut |line| println!("{line}"));
}
