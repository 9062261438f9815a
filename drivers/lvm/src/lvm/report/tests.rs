//! Answers that LVM 2.03.16 gave.

use super::{Answer, Lv, Pool, ReportError, Vg};
use crate::{lvm::command::Command, names::VgName};

fn vg() -> VgName {
    "vg0".parse().expect("a name")
}

fn answer(command: &'static str, text: &str) -> Answer {
    Answer::parse(text.as_bytes(), &Command::reads(command)).expect("an answer")
}

fn volumes() -> Vec<Lv> {
    let report = answer("lvs", include_str!("../../../tests/data/lvs.json"));
    report.volumes(&vg()).expect("rows")
}

fn volume(name: &str) -> Lv {
    volumes().into_iter().find(|lv| lv.name.as_str() == name).expect("it is in the report")
}

#[test]
fn a_command_is_done_when_the_shell_says_so() {
    assert!(answer("lvcreate", include_str!("../../../tests/data/lvcreate.json")).done);
    assert!(answer("version", include_str!("../../../tests/data/version.json")).done);
    let refused = answer("lvremove", include_str!("../../../tests/data/lvremove-refused.json"));
    assert!(!refused.done && refused.words.contains("not removed"), "{refused:?}");
}

#[test]
fn a_failed_report_still_has_the_rows_that_were_found() {
    let partly = answer("lvs", include_str!("../../../tests/data/lvs-one-missing.json"));
    assert!(!partly.done);
    assert_eq!(partly.lvs.len(), 1);
}

#[test]
fn hidden_volumes_are_left_out() {
    let names: Vec<_> = volumes().into_iter().map(|lv| lv.name.to_string()).collect();
    assert_eq!(names, ["k1", "k1s", "pool", "s1", "t1"]);
}

#[test]
fn thin_volumes_and_snapshots_are_told_from_thick_ones() {
    let told = |name| {
        let lv = volume(name);
        (lv.thin, lv.thick_snapshot, lv.thick_origin, lv.plain, lv.active)
    };
    assert_eq!(told("t1"), (true, false, false, true, true));
    assert_eq!(told("s1"), (true, false, false, true, false));
    assert_eq!(told("k1"), (false, false, true, true, true));
    assert_eq!(told("k1s"), (false, true, false, true, true));
    assert!(!volume("pool").plain);
    assert_eq!(volume("s1").origin.expect("has one").as_str(), "t1");
}

#[test]
fn the_size_is_what_the_tag_says() {
    assert_eq!(volume("t1").size.bytes(), 104_857_600);
    assert!(volume("t1").is_ours() && !volume("k1").is_ours());
    assert_eq!(volume("k1").size, volume("k1").extents);
}

#[test]
fn a_group_and_its_pool_have_their_numbers() {
    let report = answer("vgs", include_str!("../../../tests/data/vgs.json"));
    let group = Vg::of(&report.vgs[0]).expect("a row");
    assert_eq!(
        (group.free.bytes(), group.extent.bytes(), group.missing, group.volumes),
        (1_342_177_280, 4 << 20, 0, 10)
    );
    let report = answer("lvs", include_str!("../../../tests/data/lvs-pool.json"));
    let pool = Pool::of(&report.lvs[0]).expect("a row").expect("a pool");
    assert_eq!((pool.data_percent, pool.metadata_percent, pool.zeroing), (Some(0.0), Some(11.43), true));
    let report = answer("pvs", include_str!("../../../tests/data/pvs.json"));
    assert!(report.pvs[0].vg_name == "vg0" && !report.pvs[0].is_missing());
}

#[test]
fn a_group_that_is_away_has_no_row() {
    let report = answer("vgs", include_str!("../../../tests/data/vgs-missing.json"));
    assert!(!report.done && report.vgs.is_empty() && report.words.contains("not found"));
}

#[test]
fn what_is_no_answer_to_the_command_is_refused() {
    let parse = |command, text: &str| Answer::parse(text.as_bytes(), &Command::reads(command));
    let whole = include_str!("../../../tests/data/lvcreate.json");
    assert!(matches!(parse("lvremove", whole), Err(ReportError::Foreign(_))));
    assert!(matches!(parse("lvcreate", &whole[..100]), Err(ReportError::Json(_))));
    assert!(matches!(parse("lvs", "{\"log\": []}"), Err(ReportError::NoStatus)));
    assert!(matches!(parse("lvs", "{}"), Err(ReportError::Json(_))));
    let no_size = r#"{"report":[{"lv":[{"lv_name":"a"}]}],"log":[{"log_type":"status","log_context":"shell","log_object_name":"lvs","log_ret_code":"1"}]}"#;
    assert!(matches!(answer("lvs", no_size).volumes(&vg()), Err(ReportError::Field { .. })));
}
