//! Sources: what every tool for affected tests looks at, and how crates reach into each other.

use super::{Case, Place, append, case, delete, put, rename, replace};
use crate::affected_bench::workspace::{FINE, TOO_MUCH};

/// Turns the number of a `value()` into one that tests fail with.
fn spoil(path: &str) -> super::Edit {
    replace(path, "    1\n", "    4100\n")
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("source/common", [spoil("common/src/wire.rs")]),
        case("source/common-comment", [append("common/src/lib.rs", "// A comment.\n")]),
        case("source/common-test", [replace("common/tests/it.rs", "< 100", "< 10")]),
        case("source/common-example", [append("common/examples/show.rs", "// A comment.\n")]),
        case("source/common-bench", [append("common/benches/speed.rs", "// A comment.\n")]),
        case("source/common-new-test", [put("common/tests/more.rs", "#[test]\nfn red() {\n    panic!();\n}\n")]),
        case("source/common-new-module-not-declared", [put("common/src/idle.rs", "compile_error!(\"\");\n")]),
        case("source/common-new-binary", [put("common/src/bin/extra.rs", "fn main() {}\n")]),
        case("source/driver", [replace("drivers/lvm/src/parts.rs", "    1\n", "    4100\n")]),
        case("source/driver-unstaged", [spoil("drivers/nfs/src/parts.rs")]).at(Place::WorkTree),
        case("source/driver-staged", [spoil("drivers/rbd/src/parts.rs")]).at(Place::Staged),
        case("source/driver-test", [replace("drivers/local/tests/it.rs", "assert_ne!", "assert_eq!")]),
        case("source/driver-deleted", [delete("drivers/lvm/src/parts.rs")]),
        case("source/driver-deleted-unstaged", [delete("drivers/nfs/src/parts.rs")]).at(Place::WorkTree),
        case("source/module-moved-to-a-folder", [rename("drivers/rbd/src/parts.rs", "drivers/rbd/src/parts/mod.rs")]),
        case(
            "source/module-that-is-there-twice",
            [put("drivers/lvm/src/parts/mod.rs", "pub fn part() -> u32 {\n    1\n}\n")],
        )
        .at(Place::WorkTree),
        case("source/service", [replace("service/src/lib.rs", "common::value()", "4100")]),
        case("source/service-main", [replace("service/src/main.rs", "{}", "many: {}")]),
        case("source/volumes", [replace("volumes/src/lib.rs", "common::value()", "4100")]),
        case("source/tool", [spoil("tool/src/lib.rs")]),
        case("source/macro", [replace("macros/src/lib.rs", "{number}_u32", "{number}00_u32")]),
        case("source/path-module-of-a-peer", [spoil("drivers/local/src/helper.rs")]),
        case("source/module-inside-a-macro", [spoil("drivers/nfs/src/inside.rs")]),
        case("source/build-script", [append("drivers/lvm/build.rs", "// A comment.\n")]),
        case("source/build-script-new", [put("tool/build.rs", "fn main() {\n    panic!();\n}\n")]),
        case("source/build-script-gone", [delete("drivers/nfs/build.rs")]),
        case("include/own", [put("drivers/local/src/table.txt", TOO_MUCH)]),
        case("include/of-a-peer", [put("drivers/lvm/src/shared.txt", TOO_MUCH)]),
        case("include/of-a-peer-fine", [put("drivers/lvm/src/shared.txt", FINE)]),
        case("include/of-a-peer-deleted", [delete("drivers/lvm/src/shared.txt")]).at(Place::Staged),
        case("include/of-a-peer-moved", [rename("drivers/lvm/src/shared.txt", "drivers/lvm/src/common/shared.txt")]),
        case("include/documentation", [append("drivers/rbd/README.md", "More.\n")]),
        case("include/documentation-deleted", [delete("drivers/rbd/README.md")]),
        case("include/read-by-a-macro", [put("tables/lvm.txt", TOO_MUCH)]),
        case("include/read-by-a-macro-deleted", [delete("tables/lvm.txt")]),
        case("include/read-by-a-listed-build-script", [put("drivers/lvm/data/build.txt", TOO_MUCH)]),
        case("include/read-by-a-blind-build-script", [put("drivers/nfs/data/blind.txt", TOO_MUCH)]),
        case("include/read-outside-by-a-blind-build-script", [put("tables/nfs-blind.txt", TOO_MUCH)]),
    ]
}
