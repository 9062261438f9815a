//! The simulation finds each error that was planted on purpose: a simulation that finds nothing may just be blind.

use std::{collections::BTreeSet, io::Write};

use ashlar_simulation::{plan::Plan, planted::Planted, run::run};
use clap::ValueEnum;

/// Worlds in which an error must show.
const ENOUGH: u64 = 600;

fn finds(planted: Planted) {
    for seed in 0..ENOUGH {
        let report = run(Plan { planted: Some(planted), ..Plan::of(seed) }, false);
        if let Some(law) = report.broken.first() {
            say(&format!("{planted}: found in world {} after {} steps: {law}", seed + 1, report.steps));
            return;
        }
    }
    panic!("{planted} was not found in {ENOUGH} worlds");
}

/// For people who run the tests with their output shown.
fn say(what: &str) {
    let _ = writeln!(std::io::stdout(), "{what}");
}

macro_rules! each {
    ($($name:ident = $planted:ident,)*) => {
        $(
            #[test]
            fn $name() {
                finds(Planted::$planted);
            }
        )*

        #[test]
        fn every_planted_error_is_looked_for() {
            let looked_for = BTreeSet::from([$(Planted::$planted),*]);
            let planted: BTreeSet<Planted> = Planted::value_variants().iter().copied().collect();
            assert_eq!(looked_for, planted);
        }
    };
}

each! {
    an_operation_that_is_not_logged_is_found = OperationNotLogged,
    an_answer_before_the_commit_is_found = ToldBeforeCommit,
    a_commit_told_as_undone_is_found = CommitToldAsUndone,
    a_reader_that_is_overtaken_is_found = ReaderOvertaken,
    recovery_without_a_look_is_found = RecoveryWithoutLook,
    what_is_left_behind_is_found = LeftBehind,
    a_second_claim_is_found = ClaimedTwice,
    what_is_not_put_back_is_found = NotPutBack,
    forgotten_promises_are_found = PromisedRoomForgotten,
    forgotten_promises_since_a_report_are_found = PromiseSinceReportForgotten,
    trust_in_stale_reports_is_found = StaleReportTrusted,
    a_status_from_before_is_found = StatusFromBefore,
    growth_without_reservation_is_found = GrowthNotReserved,
    room_released_twice_is_found = RoomReleasedTwice,
    a_second_client_is_found = SecondClientLetIn,
    an_epoch_that_stays_is_found = EpochStays,
    a_lease_that_is_ignored_is_found = LeaseIgnored,
    need_of_wake_ups_is_found = WakeUpNeeded,
    a_record_that_goes_first_is_found = RecordGoesFirst,
    a_repeated_attach_is_found = RepeatedAttach,
    a_failure_told_as_done_is_found = FailureToldAsDone,
    a_user_who_is_not_told_is_found = UserNotTold,
    work_taken_from_others_is_found = OthersWorkTaken,
}
