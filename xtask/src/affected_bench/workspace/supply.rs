//! Crates from elsewhere, in a folder that cargo takes for a registry: lock entries are real, and nothing is fetched.

use super::SUPPLIED;
use crate::affected_bench::tree::Tree;

/// The version that is locked, and the one before it, whose number is too large for every test.
pub(in crate::affected_bench) const VERSIONS: [(&str, &str); 2] = [("1.1.0", "1"), ("1.0.0", "4100")];

/// Writes the crates, and one that the workspace patches.
pub(super) fn put(tree: &mut Tree) {
    for name in SUPPLIED {
        for (version, value) in VERSIONS {
            let folder = format!("supply/{name}-{version}");
            let (dependency, value) = match name {
                "branch" => ("[dependencies]\ntwig = \"1\"\n", format!("twig::value() + {value}")),
                _ => ("", value.to_owned()),
            };
            tree.file(format!("{folder}/Cargo.toml"), manifest(name, version) + dependency);
            tree.file(format!("{folder}/src/lib.rs"), source(&value));
            let sum = checksum(name, version);
            tree.file(format!("{folder}/.cargo-checksum.json"), format!("{{\"files\":{{}},\"package\":\"{sum}\"}}\n"));
        }
    }
    tree.file("patches/patched/Cargo.toml", manifest("patched", "1.0.0"));
    tree.file("patches/patched/src/lib.rs", source("1"));
}

fn manifest(name: &str, version: &str) -> String {
    format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2021\"\n")
}

fn source(value: &str) -> String {
    format!("pub fn value() -> u32 {{\n    {value}\n}}\n")
}

/// What the lock file has for a crate.
pub(in crate::affected_bench) fn checksum(name: &str, version: &str) -> String {
    let mut digits: String = name.bytes().chain(version.bytes()).map(|byte| format!("{byte:02x}")).collect();
    digits.truncate(64);
    format!("{digits:0>64}")
}
