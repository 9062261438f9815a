//! Requirements, operator by operator.

use proptest::{prelude::any, proptest, test_runner::Config};

use super::{Malformed, Requirement};
use crate::scheduler::{fact::Fact, fixture};

/// The pool's value is met by the first, and not by the second.
fn check(fact: Fact<'_>, met: &[&str], missed: &[&str]) {
    let holds = |text: &str| text.parse::<Requirement>().expect(text).holds(&fact);
    for text in met {
        assert!(holds(text), "{fact:?} should meet {text:?}");
    }
    for text in missed {
        assert!(!holds(text), "{fact:?} should miss {text:?}");
    }
}

fn text(text: &str) -> Fact<'_> {
    Fact::Text(text)
}

#[test]
fn flags_answer_yes_or_no() {
    check(
        Fact::Flag(true),
        &["<is> True", "<is> true", "  <is>   YES ", "True", "1", "<or> maybe <or> true", "s== true", "<in> tr"],
        &["<is> False", "<is> no", "False", "maybe", "= 1", "== 1", ""],
    );
    check(Fact::Flag(false), &["<is> False", "false", "off"], &["<is> True", "True", ""]);
    check(text("yes"), &["<is> True"], &["<is> False"]);
    check(text("iscsi"), &[], &["<is> True", "<is> False"]);
}

#[test]
fn plain_text_is_equal_whatever_its_case() {
    check(text("Gold Tier"), &["gold tier", "Gold Tier", " GOLD TIER "], &["Gold", "Gold Tier 2", ""]);
    check(text(""), &[""], &["x"]);
    check(text("sliver"), &["sliver"], &["s", "silver"]);
}

#[test]
fn text_operators_compare_as_text() {
    check(
        text("bravo"),
        &["s== bravo", "s!= alpha", "s>= bravo", "s> alpha", "s<= bravo", "s< charlie"],
        &["s== alpha", "s!= BRAVO", "s>= charlie", "s> bravo", "s<= alpha", "s< bravo"],
    );
    check(text("Gold Tier"), &["s== gold tier"], &["s== gold"]);
    check(text("10"), &["s< 9"], &["s> 9"]);
}

#[test]
fn parts_and_choices() {
    check(
        text("iSCSI over TCP"),
        &["<in> scsi", "<all-in> tcp iscsi", "<in> iscsi over"],
        &["<in> nvme", "<all-in> tcp fc"],
    );
    check(text("nfs"), &["<or> nfs", "<or> iscsi <or> nfs"], &["<or> iscsi <or> ceph", "<or> nf"]);
    check(text("Gold Tier"), &["<or> silver <or> gold tier"], &["<or> gold <or> tier"]);
}

#[test]
fn number_operators_compare_as_numbers() {
    check(
        Fact::Number(10.0),
        &["= 10", "= 9", ">= 10", "<= 10", "== 10", "== 10.0", "!= 11", "10", "1e1", "<or> 9 <or> 10", "s== 10"],
        &["= 11", ">= 10.5", "<= 9", "== 11", "!= 10", "9", "ten"],
    );
    check(text("1.25"), &[">= 1.2", "== 1.25"], &[">= 1.3"]);
    check(text("1.2.5"), &["1.2.5"], &[">= 1", "<= 9", "!= 3"]);
}

#[test]
fn no_limit_is_more_than_any_number() {
    check(Fact::Number(f64::INFINITY), &[">= 1e300", "!= 5", "infinite"], &["<= 1e300", "== 5", "inf", "unknown"]);
}

#[test]
fn the_unknown_satisfies_nothing_but_its_name() {
    check(Fact::Unknown, &["unknown"], &[">= 0", "<= 9", "!= 5", "s!= x", "<in> u", "<is> False", ""]);
}

fn check_malformed(text: &str, expected: Malformed) {
    assert_eq!(text.parse::<Requirement>(), Err(expected), "{text}");
}

#[test]
fn what_is_malformed_is_said() {
    for text in ["<is>", "<in> ", "<all-in>", "<or>", "<or> a <or>", "s==", ">=", "="] {
        check_malformed(text, Malformed::Nothing);
    }
    for text in ["> 5", "< 5", ">=5", "<isnt> x", "<foo>", "s=>", "s==x", "!=5"] {
        let operator = text.split(' ').next().expect("a first word");
        check_malformed(text, Malformed::Operator(operator.to_owned()));
    }
    for text in ["many", "nan", "inf", "5 GiB", "0x10"] {
        check_malformed(&format!(">= {text}"), Malformed::Number(text.to_lowercase()));
    }
    check_malformed("<is> maybe", Malformed::Answer("maybe".to_owned()));
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, rng_seed: fixture::SEED, ..Config::default() })]

    #[test]
    fn no_text_makes_the_parser_panic(text in r"(<is>|<in>|<or>|<all-in>|s?[=!<>]{1,2}|é| |\PC){0,12}", number in any::<f64>()) {
        if let Ok(requirement) = text.parse::<Requirement>() {
            for fact in [Fact::Flag(true), Fact::Number(number), Fact::Text(&text), Fact::Unknown] {
                let _ = requirement.holds(&fact);
            }
        }
    }
}
