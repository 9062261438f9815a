use serde_json::{Value, json};

use super::Object;

fn object(fields: Value) -> Object {
    Object::of("volume", fields).expect("an object")
}

fn size(value: Value) -> Option<u64> {
    object(json!({ "size": value })).size("size").ok().map(|size| size.map_or(0, |size| size.gib_ceil()))
}

#[test]
fn sizes_are_whole_positive_and_not_huge() {
    assert_eq!(size(json!(1)), Some(1));
    assert_eq!(size(json!("12")), Some(12));
    assert_eq!(size(json!(null)), Some(0));
    assert_eq!(size(json!(i32::MAX)), Some(2_147_483_647));
    for bad in [
        json!(0),
        json!(-1),
        json!(1.5),
        json!("1.5"),
        json!(""),
        json!("+1"),
        json!("ten"),
        json!(2_147_483_648_u64),
        json!(1e300),
        json!("99999999999999999999999999"),
        json!([1]),
        json!({}),
        json!(true),
    ] {
        assert_eq!(size(bad.clone()), None, "{bad}");
    }
}

#[test]
fn flags_come_in_many_words() {
    for (value, expected) in [(json!("True"), true), (json!("off"), false), (json!(1), true), (json!(false), false)] {
        assert_eq!(object(json!({ "force": value })).flag("force"), Ok(Some(expected)));
    }
    assert!(object(json!({ "force": "maybe" })).flag("force").is_err());
    assert!(object(json!({ "force": 2 })).flag("force").is_err());
}

#[test]
fn what_is_left_is_named() {
    let error = object(json!({ "sise": 1 })).finish().expect_err("unknown");
    assert!(error.message().contains("\"sise\""), "{}", error.message());
}

#[test]
fn names_are_trimmed_lines() {
    let name = |value: Value| object(json!({ "name": value })).name();
    assert_eq!(name(json!("  a b ")), Ok(Some("a b".to_owned())));
    assert!(name(json!("a\nb")).is_err());
    assert!(name(json!("a\u{0}b")).is_err());
    assert!(name(json!("n".repeat(256))).is_err());
    assert!(name(json!("é".repeat(255))).is_ok());
    assert!(name(json!(7)).is_err());
}

#[test]
fn features_that_are_not_there_may_be_named_but_not_asked_for() {
    assert!(object(json!({ "group_id": null })).not_served(&["group_id"]).is_ok());
    assert!(object(json!({ "group_id": "x" })).not_served(&["group_id"]).is_err());
}
