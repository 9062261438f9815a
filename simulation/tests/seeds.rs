//! Ten thousand worlds, and no law broken in any of them.

use ashlar_simulation::{plan::Plan, run::run};

/// Worlds of one test.
const WORLDS: u64 = 500;

fn check(part: u64) {
    for seed in part * WORLDS..(part + 1) * WORLDS {
        let report = run(Plan::of(seed), false);
        assert!(
            report.is_good(),
            "seed {seed} breaks a law: {:#?}\nsee it: cargo run -p ashlar-simulation -- --seed {seed} --trace",
            report.broken
        );
    }
}

macro_rules! parts {
    ($($name:ident = $part:literal,)*) => {
        $(
            #[test]
            fn $name() {
                check($part);
            }
        )*
    };
}

parts! {
    seeds_0_to_499_break_no_law = 0,
    seeds_500_to_999_break_no_law = 1,
    seeds_1000_to_1499_break_no_law = 2,
    seeds_1500_to_1999_break_no_law = 3,
    seeds_2000_to_2499_break_no_law = 4,
    seeds_2500_to_2999_break_no_law = 5,
    seeds_3000_to_3499_break_no_law = 6,
    seeds_3500_to_3999_break_no_law = 7,
    seeds_4000_to_4499_break_no_law = 8,
    seeds_4500_to_4999_break_no_law = 9,
    seeds_5000_to_5499_break_no_law = 10,
    seeds_5500_to_5999_break_no_law = 11,
    seeds_6000_to_6499_break_no_law = 12,
    seeds_6500_to_6999_break_no_law = 13,
    seeds_7000_to_7499_break_no_law = 14,
    seeds_7500_to_7999_break_no_law = 15,
    seeds_8000_to_8499_break_no_law = 16,
    seeds_8500_to_8999_break_no_law = 17,
    seeds_9000_to_9499_break_no_law = 18,
    seeds_9500_to_9999_break_no_law = 19,
}
