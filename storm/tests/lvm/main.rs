//! The whole service on LVM under kills. It runs in the lab `lvm`, with the job of that driver.

use std::sync::atomic::AtomicBool;

use ashlar_storm::{
    ground::{Protocol, Provisioning},
    options::{Driver, Options, StoreKind, Stores},
    storm::storm,
};

const SEED: u64 = 6;

fn breaks_no_promise(protocol: Protocol, kills: u64, clients: u32, say: &mut dyn FnMut(&str)) {
    let options = Options {
        store: Stores::Sqlite,
        kills,
        clients,
        apis: 1,
        backends: 1,
        driver: Driver::Lvm,
        protocol,
        provisioning: Provisioning::Thin,
        round: 10,
        pause: 1500,
        seed: Some(SEED),
        programs: None,
        directory: None,
    };
    let stop = AtomicBool::new(false);
    let report = storm(&options, StoreKind::Sqlite, kills, SEED, &stop, say).expect("a storm");
    say(&report.text());
    assert!(report.is_good(), "{:#?}", report.faults);
    assert!(report.kills >= kills);
    let blows: u64 = report.blows.values().sum();
    assert!(report.met_work >= blows / 4, "kills that meet no work prove nothing: {} of {blows}", report.met_work);
    assert!(report.verified > 0, "no bytes were compared");
}

#[test]
fn a_storm_on_lvm_breaks_no_promise() {
    breaks_no_promise(Protocol::Local, 40, 6, &mut |line| println!("{line}"));
}

#[test]
fn a_storm_on_lvm_over_iscsi_breaks_no_promise() {
    // Every volume is read through target and initiator, which takes its time.
    breaks_no_promise(Protocol::Iscsi, 20, 4, &mut |line| println!("{line}"));
}
