//! Settings of cargo, rustup and nextest, wherever they lie.

use super::{Case, Edit, Place, append, case, put, replace};

const BROKEN_TEST_SETTINGS: &str = "[profile.default]\nslow-timeout = \"never\"\n";

pub(super) fn cases(has_toolchain_file: bool) -> Vec<Case> {
    let mut cases = vec![
        case(
            "cargo-config/variable-at-run-time",
            [replace(".cargo/config.toml", "_LIMIT = \"41\"", "_LIMIT = \"4100\"")],
        ),
        case(
            "cargo-config/variable-of-a-build",
            [replace(".cargo/config.toml", "_BUILD = \"1\"", "_BUILD = \"4100\"")],
        ),
        case("cargo-config/flags", [append(".cargo/config.toml", "[build]\nrustflags = [\"--cfg\", \"other\"]\n")]),
        case(
            "cargo-config/flags-that-break",
            [append(".cargo/config.toml", "[build]\nrustflags = [\"--no-such-flag\"]\n")],
        )
        .at(Place::Staged),
        case("cargo-config/comment", [append(".cargo/config.toml", "# A comment.\n")]),
        case("cargo-config/alias", [append(".cargo/config.toml", "[alias]\nxt = \"run\"\n")]),
        case("cargo-config/of-the-tool", [put("tool/.cargo/config.toml", "[env]\nASHLAR_TOOL = \"4100\"\n")]),
        case(
            "cargo-config/new-in-a-driver",
            [put("drivers/lvm/.cargo/config.toml", "[env]\nASHLAR_LIMIT = \"4100\"\n")],
        ),
        case("nextest/comment", [append(".config/nextest.toml", "# A comment.\n")]),
        case("nextest/broken", [put(".config/nextest.toml", BROKEN_TEST_SETTINGS)]),
        case("nextest/retries", [replace(".config/nextest.toml", "retries = 0", "retries = 1")]).at(Place::WorkTree),
    ];
    if has_toolchain_file {
        cases.push(case("toolchain/comment", [append("rust-toolchain.toml", "# A comment.\n")]));
        cases.push(case(
            "toolchain/of-nobody",
            [put("rust-toolchain.toml", "[toolchain]\nchannel = \"no-such-toolchain\"\n")],
        ));
        cases.push(case("toolchain/gone", [Edit::Delete("rust-toolchain.toml".into())]));
    }
    cases
}
