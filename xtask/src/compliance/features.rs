//! The features that the cases come to: Cinder's minimum features by their names, then what only some drivers have.

use super::results::{Case, Outcome};

/// Cinder's minimum features, and the behaviours that show each.
const MINIMUM: [(&str, &[u8]); 9] = [
    ("Volume Create/Delete", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 42, 45]),
    ("Volume Attach/Detach", &[34, 35, 36, 37, 39, 40, 41]),
    ("Snapshot Create/Delete", &[15, 16, 17, 44]),
    ("Create Volume from Snapshot", &[20, 21]),
    ("Get Volume Stats", &[48, 51, 52, 53, 54, 55, 56, 57, 58]),
    ("Copy Image to Volume", &[26, 27, 28, 29, 30, 31, 32, 33]),
    ("Copy Volume to Image", &[26]),
    ("Clone Volume", &[18, 19, 24, 43]),
    ("Extend Volume", &[13, 14, 44]),
];
/// What holds for all of them.
const EVERY_CALL: &str = "Kills, time limits, discard";
/// A case's need that every driver has.
const CORE: &str = "core";

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feature {
    /// Its name.
    pub name: String,
    /// Whether every driver must have it.
    pub required: bool,
}

/// The rows for these cases: the required ones always, capabilities as they are named.
#[must_use]
pub fn features(cases: &[&Case]) -> Vec<Feature> {
    let required = MINIMUM.iter().map(|(name, _)| *name).chain([EVERY_CALL]);
    let mut features: Vec<Feature> = required.map(|name| Feature { name: name.to_owned(), required: true }).collect();
    let mut needs: Vec<&Case> = cases.iter().copied().filter(|case| is_optional(case)).collect();
    needs.sort_by_key(|case| case.number);
    for case in needs {
        if !features.iter().any(|feature| feature.name == case.need) {
            features.push(Feature { name: case.need.clone(), required: false });
        }
    }
    features
}

fn is_optional(case: &Case) -> bool {
    !case.need.is_empty() && case.need != CORE
}

/// Whether the case is one that shows the feature.
#[must_use]
pub fn shows(case: &Case, feature: &Feature) -> bool {
    if !feature.required {
        return case.need == feature.name;
    }
    let of = |name: &str| MINIMUM.iter().find(|(minimum, _)| *minimum == name).map(|(_, numbers)| *numbers);
    match of(&feature.name) {
        Some(numbers) if numbers.contains(&case.number) => true,
        Some(_) => !is_placed(case.number) && by_group(case) == feature.name,
        None => !is_placed(case.number) && by_group(case) == EVERY_CALL,
    }
}

fn is_placed(number: u8) -> bool {
    MINIMUM.iter().any(|(_, numbers)| numbers.contains(&number))
}

/// For behaviours that the table above does not name: where their group belongs.
fn by_group(case: &Case) -> &'static str {
    match case.group.as_str() {
        "life_cycle" => "Volume Create/Delete",
        "images" => "Copy Image to Volume",
        "attach" => "Volume Attach/Detach",
        "stats" => "Get Volume Stats",
        // Of a capability, which has its own row.
        _ if is_optional(case) => "",
        _ => EVERY_CALL,
    }
}

/// What a driver's cases come to for a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The worst outcome that is not `unsupported`; that where there is nothing else, and none where there is no case.
    pub worst: Option<Outcome>,
    /// Cases that passed.
    pub passed: usize,
    /// Cases that neither passed nor are rightly unsupported.
    pub bad: usize,
}

/// The cell of these cases.
#[must_use]
pub fn cell(cases: &[Case], feature: &Feature) -> Cell {
    let of: Vec<Outcome> = cases.iter().filter(|case| shows(case, feature)).map(|case| case.outcome).collect();
    let bad = of.iter().filter(|outcome| !outcome.is_well()).count();
    let passed = of.iter().filter(|outcome| **outcome == Outcome::Passed).count();
    let real = of.iter().copied().filter(|outcome| *outcome != Outcome::Unsupported).max();
    Cell { worst: real.or_else(|| of.first().copied()), passed, bad }
}
