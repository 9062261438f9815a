//! Manifests and the lock file: what reaches rustc, for whom, and what does not.

use super::{Case, Edit, Place, append, case, delete, put, rename, replace, step_back};
use crate::affected_bench::workspace::TOO_MUCH;

const LIBRARY: &str = "pub fn value() -> u32 {\n    1\n}\n";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = of_the_root();
    cases.extend(of_members());
    cases.extend(of_the_lock());
    cases
}

fn of_the_root() -> Vec<Case> {
    vec![
        case("root/comment", [append("Cargo.toml", "# A comment.\n")]),
        case("root/metadata", [append("Cargo.toml", "[workspace.metadata.x]\ny = 1\n")]),
        case("root/dependency-nobody-takes", [replace("Cargo.toml", "nobody-takes-it = \"1\"\n", "")]),
        case(
            "root/dependency-of-one-driver",
            [replace("Cargo.toml", "leaf = \"1\"", "leaf = \"=1.0.0\""), Edit::Relock],
        ),
        case("root/requirement-to-the-same", [replace("Cargo.toml", "leaf = \"1\"", "leaf = \"1.1\""), Edit::Relock]),
        case("root/lint", [replace("Cargo.toml", "unused_mut = \"warn\"", "unsafe_code = \"forbid\"")]),
        case("root/lint-denied", [replace("Cargo.toml", "unused_mut = \"warn\"", "missing_docs = \"deny\"")]),
        case("root/profile", [replace("Cargo.toml", "debug = 0", "debug = 0\ndebug-assertions = false")]),
        case("root/profile-of-one-package", [append("Cargo.toml", "[profile.dev.package.leaf]\nopt-level = 1\n")]),
        case("root/profile-not-used", [append("Cargo.toml", "[profile.bench]\nopt-level = 1\n")]),
        case(
            "root/patch-dropped",
            [
                replace("Cargo.toml", "patched = { path = \"patches/patched\" }\n", ""),
                delete("patches/patched/Cargo.toml"),
            ],
        ),
        case("root/patched-source", [replace("patches/patched/src/lib.rs", "    1\n", "    4100\n")]),
        case("root/version", [replace("Cargo.toml", "version = \"0.1.0\"", "version = \"4.1.0\""), Edit::Relock]),
        case("root/edition", [replace("Cargo.toml", "edition = \"2024\"", "edition = \"2021\"")]),
        case("root/resolver", [replace("Cargo.toml", "resolver = \"3\"", "resolver = \"2\"")]),
        case("root/members-written-out", [replace("Cargo.toml", "\"drivers/*\"", "\"drivers/[a-z]*\"")]),
        case(
            "root/order-of-tables",
            [replace("Cargo.toml", "debug = 0\nincremental = false", "incremental = false\ndebug = 0")],
        ),
    ]
}

fn of_members() -> Vec<Case> {
    vec![
        case("manifest/comment-in-common", [append("common/Cargo.toml", "# A comment.\n")]),
        case("manifest/metadata-in-common", [append("common/Cargo.toml", "[package.metadata.x]\ny = 1\n")]),
        case("manifest/metadata-in-driver", [append("drivers/rbd/Cargo.toml", "[package.metadata.x]\ny = 1\n")]),
        case("manifest/feature-nobody-asks-for", [replace("common/Cargo.toml", "more = []", "more = []\nmuch = []")]),
        case(
            "manifest/default-feature",
            [replace("common/Cargo.toml", "more = []", "more = []\ndefault = [\"more\"]")],
        ),
        case(
            "manifest/feature-asked-for-by-one",
            [replace(
                "drivers/rbd/Cargo.toml",
                "common.workspace = true",
                "common = { workspace = true, features = [\"more\"] }",
            )],
        ),
        case(
            "manifest/dependency-dropped",
            [replace("drivers/lvm/Cargo.toml", "leaf.workspace = true\n", ""), Edit::Relock],
        ),
        case(
            "manifest/dependency-added",
            [replace("tool/Cargo.toml", "[dependencies]\n", "[dependencies]\nleaf = \"1\"\n"), Edit::Relock],
        ),
        case(
            "manifest/dependency-made-optional",
            [
                replace(
                    "drivers/lvm/Cargo.toml",
                    "leaf.workspace = true",
                    "leaf = { workspace = true, optional = true }",
                ),
                Edit::Relock,
            ],
        ),
        case(
            "manifest/dependency-renamed",
            [
                replace(
                    "drivers/lvm/Cargo.toml",
                    "leaf.workspace = true",
                    "fall = { package = \"leaf\", version = \"1\" }",
                ),
                Edit::Relock,
            ],
        ),
        case(
            "manifest/optional-turned-on",
            [replace("drivers/local/Cargo.toml", "optional = true", "optional = false"), Edit::Relock],
        ),
        case(
            "manifest/dev-dependency-added",
            [append("tool/Cargo.toml", "[dev-dependencies]\nprobe = \"1\"\n"), Edit::Relock],
        ),
        case("manifest/test-target", [append("volumes/Cargo.toml", "[[test]]\nname = \"it\"\nharness = false\n")]),
        case("manifest/lints-not-inherited", [replace("tool/Cargo.toml", "[lints]\nworkspace = true\n", "")]),
        case(
            "manifest/description",
            [replace("service/Cargo.toml", "publish = false", "description = \"x\"\npublish = false")],
        ),
        case(
            "manifest/keywords",
            [replace("common/Cargo.toml", "publish = false", "keywords = [\"x\"]\npublish = false")],
        ),
        case("manifest/broken", [append("drivers/nfs/Cargo.toml", "[broken\n")]),
        case(
            "crate/added",
            [
                put(
                    "drivers/zfs/Cargo.toml",
                    "[package]\nname = \"driver-zfs\"\nversion.workspace = true\nedition.workspace = true\n",
                ),
                put("drivers/zfs/src/lib.rs", LIBRARY),
                Edit::Relock,
            ],
        ),
        case(
            "crate/added-untracked",
            [
                put(
                    "drivers/zfs/Cargo.toml",
                    "[package]\nname = \"driver-zfs\"\nversion.workspace = true\nedition.workspace = true\n",
                ),
                put("drivers/zfs/src/lib.rs", LIBRARY),
                Edit::Relock,
            ],
        )
        .at(Place::WorkTree),
        case(
            "crate/deleted",
            [
                delete("drivers/rbd/Cargo.toml"),
                delete("drivers/rbd/src/lib.rs"),
                delete("drivers/rbd/job.toml"),
                replace("Cargo.toml", "exclude = [", "exclude = [\"drivers/rbd\", "),
                Edit::Relock,
            ],
        ),
        case(
            "crate/moved",
            [
                rename("volumes", "shelves"),
                replace("Cargo.toml", "\"volumes\"]", "\"shelves\"]"),
                replace("Cargo.toml", "path = \"volumes\"", "path = \"shelves\""),
            ],
        ),
    ]
}

fn of_the_lock() -> Vec<Case> {
    let older = |name: &str| case(&format!("lock/older-{name}"), [step_back(name)]);
    vec![
        older("leaf"),
        older("twig"),
        older("branch"),
        older("base"),
        older("probe"),
        older("extra"),
        older("winonly"),
        older("leaf").named("lock/older-unstaged").at(Place::WorkTree),
        case("lock/two-at-once", [step_back("twig"), step_back("winonly")]),
        case("lock/comment", [append("Cargo.lock", "# A comment.\n")]),
        case("lock/with-a-source", [step_back("leaf"), put("drivers/rbd/tests/data/always.txt", TOO_MUCH)]),
        case("supply/source", [replace("supply/leaf-1.1.0/src/lib.rs", "    1\n", "    4100\n")]),
        case("supply/source-of-the-other-version", [append("supply/leaf-1.0.0/src/lib.rs", "// A comment.\n")]),
    ]
}
