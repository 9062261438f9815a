//! What tests read when they run: fixtures at hand and far away, folders that are listed, files that may be there.

use super::{Case, Edit, Place, case, delete, link, put, rename};
use crate::affected_bench::workspace::{FINE, TOO_MUCH};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("fixture/own", [put("drivers/local/fixtures/own.txt", TOO_MUCH)]),
        case("fixture/own-below-tests", [put("drivers/rbd/tests/data/always.txt", TOO_MUCH)]),
        case("fixture/own-listed-folder", [put("drivers/nfs/tests/data/zero.txt", "none\n")]).at(Place::WorkTree),
        case("fixture/of-a-peer", [put("drivers/local/tests/lent/lent.txt", TOO_MUCH)]),
        case("fixture/of-a-peer-fine", [put("drivers/local/tests/lent/lent.txt", FINE)]),
        case("fixture/of-a-peer-deleted", [delete("drivers/local/tests/lent/lent.txt")]).at(Place::WorkTree),
        case(
            "fixture/of-a-peer-moved",
            [rename("drivers/local/tests/lent/lent.txt", "drivers/local/tests/lent/borrowed.txt")],
        ),
        case("fixture/beside-that-of-a-peer", [put("drivers/local/tests/lent/more.txt", TOO_MUCH)]),
        case("fixture/joined", [put("fixtures/lvm-joined.txt", TOO_MUCH)]),
        case("fixture/joined-deleted", [delete("fixtures/lvm-joined.txt")]),
        case("fixture/by-concat", [put("fixtures/rbd-concat.txt", TOO_MUCH)]).at(Place::Staged),
        case("fixture/listed-changed", [put("fixtures/local/one.txt", TOO_MUCH)]),
        case("fixture/listed-added", [put("fixtures/local/three.txt", TOO_MUCH)]),
        case("fixture/listed-added-untracked", [put("fixtures/local/three.txt", TOO_MUCH)]).at(Place::WorkTree),
        case("fixture/listed-deleted", [delete("fixtures/local/one.txt")]),
        case("fixture/beside-the-listed-folder", [put("fixtures/idle.txt", TOO_MUCH)]),
        case("fixture/optional-appears", [put("settings/local.txt", TOO_MUCH)]),
        case("fixture/optional-appears-untracked", [put("settings/local.txt", TOO_MUCH)]).at(Place::WorkTree),
        case("fixture/optional-of-nobody", [put("settings/nobody.txt", TOO_MUCH)]),
        case("fixture/of-common", [put("common/tests/data/shared.txt", TOO_MUCH)]),
        case("fixture/folder-of-common-read-by-nobody", [put("common/tests/data/idle.txt", TOO_MUCH)]),
        case("script/changed", [put("drivers/rbd/fixtures/run.sh", "#!/bin/sh\nexit 3\n")]),
        case("script/not-executable", [Edit::Mode("drivers/rbd/fixtures/run.sh".into(), false)]),
        case("script/not-executable-staged", [Edit::Mode("drivers/rbd/fixtures/run.sh".into(), false)])
            .at(Place::Staged),
        case("script/data-made-executable", [Edit::Mode("fixtures/lvm-joined.txt".into(), true)]),
        case("link/target-changed", [put("common/tests/data/shared.txt", FINE)]),
        case("link/retargeted", [link("drivers/lvm/fixtures/linked.txt", "../../../fixtures/nowhere.txt")]),
        case("link/replaced-by-a-file", [put("drivers/lvm/fixtures/linked.txt", TOO_MUCH)]),
        case("link/to-outside", [link("drivers/lvm/fixtures/linked.txt", "../../../../outside.txt")]),
        case("link/in-a-linked-folder", [put("fixtures/linked/number.txt", TOO_MUCH)]),
        case("link/beside-in-a-linked-folder", [put("fixtures/linked/more.txt", TOO_MUCH)]),
        case("link/folder-retargeted", [link("drivers/lvm/fixtures/folder", "../../../fixtures/local")]),
        case("link/new-to-a-source", [link("common/src/linked.rs", "wire.rs")]),
        case(
            "submodule/advanced",
            [put("third-party/wire/number.txt", TOO_MUCH), Edit::CommitInside("third-party/wire".into())],
        ),
        case("submodule/dirty", [put("third-party/wire/number.txt", TOO_MUCH)]).at(Place::WorkTree),
        case("submodule/definition", [put(".gitmodules", "")]),
    ]
}
