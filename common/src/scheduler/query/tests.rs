//! Queries: the examples of Cinder's tests, in its operators, and what is refused.

use proptest::{prelude::any, proptest, test_runner::Config};

use super::Query;
use crate::{
    scheduler::fixture::{self, SEED},
    stats::Capacity,
};

fn check(cases: &[(&str, bool)]) {
    let mut pool = fixture::thick("a");
    pool.stats.free = Capacity::Known(fixture::gib(20));
    for (text, holds) in cases {
        assert_eq!(Query::read(text).expect(text).holds(&pool), *holds, "{text}");
    }
}

fn refused(text: &str) -> String {
    Query::read(text).expect_err(text).to_string()
}

#[test]
fn comparisons() {
    check(&[
        (r#"[">=", "$free_capacity_gb", 20]"#, true),
        (r#"[">", "$free_capacity_gb", 20]"#, false),
        (r#"["<", "$free_capacity_gb", 30, 40]"#, true),
        (r#"["<=", 20, "$capabilities.free_capacity_gb"]"#, true),
        (r#"["=", "$volume_backend_name", "Gold Tier"]"#, true),
        (r#"["=", "$multiattach", true]"#, true),
        (r#"["=", 1, 1, 1]"#, true),
        (r#"["=", 1, 1, 2]"#, false),
        (r#"["in", "$pool_name", "b", "a"]"#, true),
        (r#"["in", "$pool_name", "b", "c"]"#, false),
        (r#"["=", "$pool_name", 5]"#, false),
        (r#"["<", "$pool_name", 5]"#, false),
    ]);
}

#[test]
fn logic() {
    check(&[
        ("[]", true),
        (r#"["and", [">=", "$free_capacity_gb", 10], ["=", "$pool_name", "a"]]"#, true),
        (r#"["or", [">=", "$free_capacity_gb", 50], ["=", "$pool_name", "a"]]"#, true),
        (r#"["and", [">=", "$free_capacity_gb", 50], ["=", "$pool_name", "a"]]"#, false),
        (r#"["not", ["=", "$pool_name", "a"]]"#, false),
        (r#"["not", ["=", "$pool_name", "b"]]"#, true),
        // Cinder passes this: a list within a list counts as true there, whatever it holds.
        (r#"["and", ["not", ["=", "$pool_name", "a"]]]"#, false),
        (r#"["or", false, "$multiattach"]"#, true),
        (r#"["and", 1, "x", "$pool_name"]"#, true),
    ]);
}

#[test]
fn unknown_and_infinite_are_words() {
    let mut pool = fixture::thick("a");
    pool.stats.free = Capacity::Unknown;
    pool.stats.total = Capacity::Infinite;
    let holds = |text: &str| Query::read(text).expect(text).holds(&pool);
    assert!(holds(r#"["=", "$free_capacity_gb", "unknown"]"#));
    assert!(!holds(r#"["<", "$free_capacity_gb", "z"]"#) && !holds(r#"[">", "$free_capacity_gb", 0]"#));
    assert!(holds(r#"["=", "$total_capacity_gb", "infinite"]"#) && holds(r#"[">", "$total_capacity_gb", 1000000]"#));
}

#[test]
fn what_is_no_query_is_said() {
    assert!(refused("[").starts_with("it is not JSON: "));
    assert!(refused("{}").starts_with("it must be a list such as"));
    assert!(refused(r#"["!=", 1, 2]"#).starts_with("\"!=\" is no operator"));
    assert!(refused(r#"[["=", 1, 2]]"#).contains("is no operator"));
    assert_eq!(refused(r#"["=", 1]"#), "an operator has 1 operands, and needs 2");
    assert_eq!(refused(r#"["and", []]"#), "a list within it is empty");
    assert_eq!(refused(r#"["=", null, 1]"#), "an operand is neither list, text, number nor flag");
    assert!(refused(r#"["=", "$free_space", 1]"#).contains("pools report no \"$free_space\"; they report backend_id"));
    let deep = format!("{}1{}", "[\"not\",".repeat(17), "]".repeat(17));
    assert!(refused(&deep).starts_with("it is too large"));
    assert!(refused(&format!("[\"and\"{}]", ",1".repeat(300))).starts_with("it is too large"));
    assert!(refused(&" ".repeat(5000)).starts_with("it has 5000 bytes"));
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, rng_seed: SEED, ..Config::default() })]

    #[test]
    fn no_text_makes_it_panic(text in r#"(\[|\]|"and"|"not"|"="|"<"|"in"|"\$pool_name"|,|[0-9]|null|true){0,16}"#, gib in any::<u16>()) {
        if let Ok(query) = Query::read(&text) {
            let mut pool = fixture::thick("a");
            pool.stats.free = Capacity::Known(fixture::gib(gib.into()));
            let _ = query.holds(&pool);
        }
    }
}
