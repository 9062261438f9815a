//! The manifests of the workspace and its members.

use super::design::{Design, Driver};
use crate::affected_bench::tree::Tree;

const ROOT: &str = "\
[workspace]
resolver = \"3\"
members = [\"common\", \"macros\", \"drivers/*\", \"service\", \"tool\", \"volumes\"]
exclude = [\"patches\", \"supply\", \"third-party\"]

[workspace.package]
version = \"0.1.0\"
edition = \"2024\"
license = \"Apache-2.0\"

[workspace.dependencies]
common = { path = \"common\" }
macros = { path = \"macros\" }
volumes = { path = \"volumes\" }
base = \"1\"
leaf = \"1\"
nobody-takes-it = \"1\"

[workspace.lints.rust]
unused_mut = \"warn\"

[profile.dev]
debug = 0
incremental = false

[patch.crates-io]
patched = { path = \"patches/patched\" }
";

/// Writes all of them.
pub(super) fn put(tree: &mut Tree, design: &Design) {
    tree.file("Cargo.toml", ROOT);
    let member = |name: &str, more: &str| {
        format!(
            "[package]\nname = \"{name}\"\nversion.workspace = true\nedition.workspace = true\npublish = false\n\n\
             {more}\n[lints]\nworkspace = true\n"
        )
    };
    tree.file(
        "common/Cargo.toml",
        member(
            "common",
            "[features]\nmore = []\n\n[dependencies]\nbase.workspace = true\npatched = \"1\"\n\n[dev-dependencies]\n\
             probe = \"1\"\n",
        ),
    );
    tree.file("macros/Cargo.toml", member("macros", "[lib]\nproc-macro = true\n"));
    tree.file("volumes/Cargo.toml", member("volumes", "[dependencies]\ncommon.workspace = true\n"));
    tree.file("service/Cargo.toml", member("service", "[dependencies]\ncommon.workspace = true\n"));
    tree.file("tool/Cargo.toml", member("tool", "[dependencies]\n"));
    for driver in &design.drivers {
        tree.file(format!("drivers/{}/Cargo.toml", driver.name), of_driver(driver, &member));
    }
}

fn of_driver(driver: &Driver, member: &impl Fn(&str, &str) -> String) -> String {
    let more: String = driver.dependencies.iter().map(|line| format!("{line}\n")).collect();
    let more = format!("[dependencies]\ncommon.workspace = true\nmacros.workspace = true\n{more}");
    member(&format!("driver-{}", driver.name), &more)
}
