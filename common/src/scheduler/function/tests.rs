//! The language: Cinder's own examples, where it differs, and that nothing makes it panic.

use proptest::{
    prelude::{Just, Strategy, any, prop_oneof},
    prop_assert, prop_assert_eq, proptest,
    test_runner::Config,
};

use super::{Function, Given, Value, evaluate};
use crate::{
    scheduler::{
        fixture::{self, SEED},
        request::{Request, SnapshotFacts, VolumeFacts},
    },
    stats::Capacity,
};

/// What a function comes to over a pool of 100 GiB and a volume of 5, or what is said of it.
fn value(text: &str) -> Result<String, String> {
    let mut pool = fixture::thick("a");
    pool.volumes = 3;
    pool.stats.free = Capacity::Unknown;
    let spec = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let request = Request {
        size: fixture::gib(5),
        extra_specs: [spec("tier", "gold"), spec("level", "7"), spec("vendor:qos", "on")].into(),
        qos: [spec("iops", "500")].into(),
        volume: VolumeFacts {
            name: Some("5".to_owned()),
            snapshot: Some(SnapshotFacts { id: "s".to_owned(), size: fixture::gib(4) }),
            ..VolumeFacts::default()
        },
        ..Request::default()
    };
    let function: Function = text.parse().map_err(|malformed: super::Malformed| malformed.to_string())?;
    let found = evaluate(&function, Given { pool: &pool, request: &request }).map_err(|trouble| trouble.to_string())?;
    Ok(match found {
        Value::Number(number) => number.to_string(),
        Value::Flag(flag) => flag.to_string(),
        Value::Text(text) => format!("{text:?}"),
    })
}

fn check(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(value(text).as_deref(), Ok(*expected), "{text}");
    }
}

fn check_refused(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(value(text), Err((*expected).to_owned()), "{text}");
    }
}

#[test]
fn arithmetic_is_cinders() {
    check(&[
        ("1+1", "2"),
        ("2+3+4", "9"),
        ("22/11", "2"),
        ("872 - 453 + 44 / 22 * 4 + 66", "493"),
        ("10/4+0.75    + 2", "5.25"),
        ("-2", "-2"),
        ("5+-2", "3"),
        ("2^3", "8"),
        ("-2 ^ 3", "-8"),
        ("-2^2", "-4"),
        ("2^3^2", "512"),
        ("4 ^ 1.5", "8"),
        ("(1+2)*(3-1)/((1+(2-1)))", "3"),
        ("((1.0 / 0.5) * (2)) *(-2)", "-8"),
        ("abs(-5)", "5"),
        ("min(1, 100)", "1"),
        ("max(1+1, 3)", "3"),
        ("max(1,2,3)", "3"),
        ("(((1 + max(1 + (10 / 20), 2, 3)) / 100) + 1)", "1.04"),
    ]);
}

#[test]
fn conditions_are_cinders() {
    check(&[
        ("1 < 2", "true"),
        ("2 == 1", "false"),
        ("1 <> 2", "true"),
        ("1 < 2 < 3", "true"),
        ("1 < 3 < 2", "false"),
        ("(1 == 1) == !(1 == 2)", "true"),
        ("(1 == 1) AND (2 == 2)", "true"),
        ("(1 == 1) && (5 == 2)", "false"),
        ("(1 == 1) OR (5 == 2)", "true"),
        ("(5 == 1) || (5 == 2)", "false"),
        ("(1 == 1) AND NOT (2 == 2)", "false"),
        ("(1 == 1) OR NOT (2 == 2) AND (5 == 5)", "true"),
        ("not (1 == 2)", "true"),
        ("(1 < 2) ? 5 : 10", "5"),
        ("(1 > 2) ? 5 : 10", "10"),
        ("1 < 2 ? 5 : 10", "5"),
        ("5 and 7", "7"),
        ("0 or 'x'", "\"x\""),
    ]);
}

#[test]
fn variables_are_cinders() {
    check(&[
        ("volume.size < 10", "true"),
        ("stats.total_capacity_gb >= 500", "false"),
        ("(capabilities.total_volumes < 3) ? 100 : 50", "50"),
        ("capabilities.thin_provisioning_support", "false"),
        ("capabilities.storage_protocol == 'iSCSI'", "true"),
        ("capabilities.storage_protocol != \"NFS\"", "true"),
        ("extra.tier == 'gold'", "true"),
        ("extra.level > 6", "true"),
        ("qos.iops / 100", "5"),
        ("snapshot.size + snapshot.volume_size", "8"),
        ("volume.snapshot_id == snapshot.id", "true"),
    ]);
}

#[test]
fn what_cinder_gets_wrong_is_right() {
    check(&[
        // Cinder looks at the first two operands only.
        ("1 == 1 and 1 == 1 and 1 == 2", "false"),
        ("0 == 1 or 0 == 1 or 1 == 1", "true"),
        // Cinder evaluates a chain of choices to its second condition.
        ("0 == 1 ? 1 : 0 == 1 ? 2 : 3", "3"),
        ("0 == 1 ? 1 : 1 == 1 ? 2 : 3", "2"),
        // Cinder cuts numbers of the pool to whole ones.
        ("capabilities.driver_version", "1.25"),
        ("stats.max_over_subscription_ratio == 1", "true"),
        // Cinder evaluates what the left side has decided, and fails there.
        ("1 == 1 or extra.missing == 1", "true"),
        ("defined(extra.missing) and extra.missing == 1", "false"),
        ("defined(volume.image_id) ? 1 : 2", "2"),
        // Cinder takes True for a text.
        ("capabilities.thick_provisioning_support == True", "true"),
        ("capabilities.thick_provisioning_support == 'true'", "true"),
        // Cinder takes no sign before an exponent, and no single argument.
        ("2 ^ -1", "0.5"),
        ("max(5)", "5"),
        // Cinder has no way to name these.
        ("extra[\"vendor:qos\"] == 'on'", "true"),
        ("defined(extra['vendor:x'])", "false"),
    ]);
}

#[test]
fn what_can_be_read_in_two_ways_is_refused() {
    let choice =
        "column 1: \"?:\" beside \"and\" or \"or\" can be read in two ways: put it, or its condition, in parentheses";
    let not = "column 1: \"not\" before a comparison can be read in two ways: put what it denies in parentheses";
    check_refused(&[
        ("1 == 1 and 0 == 1 ? 1 : 2", choice),
        ("0 == 1 ? 1 : 2 or 1", choice),
        ("not 1 == 2", not),
        ("NOT (1 == 2) == 1", not),
    ]);
    check(&[("(1 == 1 and 0 == 1) ? 1 : 2", "2"), ("1 == 1 and (0 == 1 ? 1 : 2)", "2"), ("!(1 == 2) == 1", "true")]);
}

#[test]
fn malformed_texts_say_where_and_what() {
    check_refused(&[
        ("", "column 1: a value was expected, not the end"),
        ("1/*1", "column 3: a value was expected, not \"*\""),
        ("1 1", "column 3: an operator was expected, not 1"),
        ("(1", "column 3: \")\" was expected, not the end"),
        ("1)", "column 2: an operator was expected, not \")\""),
        ("1 = 1", "column 3: there is no operator \"=\": compare with \"==\""),
        ("1 & 1", "column 3: there is no operator \"&\": write \"and\" or \"or\""),
        ("'abc", "column 1: the text that begins here has no closing '"),
        ("1 == iscsi", "column 6: \"iscsi\" is no name; a text stands in quotes: 'iscsi'"),
        ("1.2.3", "column 1: \"1.2.3\" is not a number"),
        ("0x10", "column 1: \"0x10\" is not a number"),
        ("1 < 2 ? 3", "column 10: \":\" was expected, not the end"),
        ("abs -5", "column 5: \"(\" was expected, not \"-\""),
        ("max()", "column 5: a value was expected, not \")\""),
        ("abs(1, 2)", "column 6: \")\" was expected, not \",\""),
        (
            "foo.bob + 5",
            "column 1: there is no \"foo\": known are stats, capabilities, volume, snapshot, extra and qos",
        ),
        ("snapshot.bob", "column 1: snapshots have no \"bob\"; they have id, size"),
        ("é", "column 1: 'é' has no meaning here"),
        ("'é' + $", "column 7: '$' has no meaning here"),
    ]);
    assert!(value("stats.bob").expect_err("no such").contains("they report backend_id, host, volume_backend_name"));
    assert!(value("volume.bob").expect_err("no such").contains("they have size, id, name"));
}

#[test]
fn what_has_no_value_says_where_and_why() {
    check_refused(&[
        ("1 + extra.missing", "column 5: this has no value here; defined(...) tells whether it has one"),
        ("stats.free_capacity_gb > 5", "column 1: this has no value here; defined(...) tells whether it has one"),
        ("7 / 0", "column 5: division by zero"),
        ("1 + extra.tier", "column 5: this is a text, where a number is needed"),
        ("volume.name < 6", "column 15: a text and a number cannot be ordered"),
        ("10 ^ 1000", "column 1: the result is not a number"),
        ("10 ^ 200 * 10 ^ 200", "column 12: the result is not a number"),
    ]);
}

#[test]
fn length_nesting_and_parts_are_bounded() {
    let said = |text: String| text.parse::<Function>().expect_err("too large").what;
    assert_eq!(said(" ".repeat(2049)), "it has 2049 bytes, and the limit is 2048");
    for opening in ["(", "-", "!", "abs(", "1 ? 1 : ", "1 ? ", "2 ^ "] {
        assert_eq!(said(opening.repeat(200)), "it nests too deep: the limit is 32", "{opening}");
    }
    assert_eq!(said("1+".repeat(1000)), "it has too many parts: the limit is 256");
    assert!("1+".repeat(200).parse::<Function>().is_err(), "it ends in an operator");
    assert!(format!("{}1", "1+".repeat(200)).parse::<Function>().is_ok(), "a long sum is not deep");
}

/// An expression in full parentheses, and what it is.
fn arithmetic() -> impl Strategy<Value = (String, f64)> {
    let leaf = (0..1000_u32).prop_map(|number| (number.to_string(), f64::from(number)));
    leaf.prop_recursive(6, 40, 2, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            (pair.clone(), prop_oneof![Just('+'), Just('-'), Just('*')]).prop_map(|(((a, x), (b, y)), sign)| {
                let result = match sign {
                    '+' => x + y,
                    '-' => x - y,
                    _ => x * y,
                };
                (format!("({a} {sign} {b})"), result)
            }),
            pair.clone().prop_map(|((a, x), (b, y))| (format!("max({a}, {b})"), x.max(y))),
            (inner.clone(), pair).prop_map(|((c, z), ((a, x), (b, y)))| {
                (format!("({c} > 500 ? {a} : {b})"), if z > 500.0 { x } else { y })
            }),
            inner.prop_map(|(a, x)| (format!("(-{a})"), -x)),
        ]
    })
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, rng_seed: SEED, ..Config::default() })]

    #[test]
    fn arithmetic_is_that_of_numbers((text, expected) in arithmetic()) {
        if let Ok(function) = text.parse::<Function>() {
            let (pool, request) = (fixture::thick("a"), Request::default());
            let found = evaluate(&function, Given { pool: &pool, request: &request });
            prop_assert_eq!(found, Ok(Value::Number(expected)), "{}", text);
        } else {
            prop_assert!(text.len() > 60, "small expressions are within the limits: {text}");
        }
    }

    #[test]
    fn no_text_makes_it_panic(
        text in r#"(volume\.size|stats\.free_capacity_gb|extra\.x|extra\["|"\]|defined|abs|max|and|or|not|true|[0-9]{1,3}|[-+*/^<>=!&|?:(),.'"\[\]]|é| |\PC){0,24}"#,
        free in any::<Option<u16>>(),
    ) {
        if let Ok(function) = text.parse::<Function>() {
            let mut pool = fixture::thick("a");
            pool.stats.free = free.map_or(Capacity::Infinite, |gib| Capacity::Known(fixture::gib(gib.into())));
            let _ = evaluate(&function, Given { pool: &pool, request: &Request::default() });
            prop_assert_eq!(function.text().parse::<Function>(), Ok(function.clone()));
        }
    }
}
