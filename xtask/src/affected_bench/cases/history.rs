//! Shapes of history: what is compared with what.

use super::{Case, Place, case, put, replace};
use crate::affected_bench::workspace::TOO_MUCH;

pub(super) fn cases() -> Vec<Case> {
    let at = |name: &str, place| case(name, [replace("drivers/lvm/src/parts.rs", "    1\n", "    4100\n")]).at(place);
    let far = |name: &str, place| case(name, [put("fixtures/rbd-concat.txt", TOO_MUCH)]).at(place);
    vec![
        at("history/base-went-on", Place::Behind),
        far("history/base-went-on-far", Place::Behind),
        at("history/merged", Place::Merged),
        far("history/merged-far", Place::Merged),
        at("history/detached", Place::Detached),
        at("history/shallow", Place::Shallow),
        at("history/unrelated", Place::Unrelated),
        case("history/nothing-changed", []),
    ]
}
