//! The sources of the members that are no drivers.

use crate::affected_bench::tree::Tree;

const COMMON: &str = "\
//! What every driver uses.
pub mod wire;

pub fn value() -> u32 {
    1 + wire::length()
}

pub fn supplied() -> u32 {
    base::value() + patched::value()
}

#[cfg(feature = \"more\")]
pub fn value_of_more() -> u32 {
    1
}

#[cfg(test)]
mod tests {
    #[test]
    fn small() {
        assert!(super::value() + super::supplied() < 100);
    }
}
";
const COMMON_TEST: &str = "\
//! What common reads, and how it is built.
#[test]
fn fixture() {
    let text = std::fs::read_to_string(\"tests/data/shared.txt\").unwrap();
    assert!(text.trim().parse::<u32>().unwrap() + probe::value() < 100);
}

#[test]
fn assertions_are_on() {
    assert!(cfg!(debug_assertions));
}
";
const MACROS: &str = "\
//! A macro that reads a file while it expands.
use proc_macro::TokenStream;

/// The number in a file, by its path from the manifest of the calling crate.
#[proc_macro]
pub fn number(input: TokenStream) -> TokenStream {
    let literal = input.to_string();
    let path = literal.trim_matches('\"');
    let folder = std::env::var(\"CARGO_MANIFEST_DIR\").expect(\"cargo sets it\");
    let text = std::fs::read_to_string(std::path::Path::new(&folder).join(path)).expect(path);
    let number: u32 = text.trim().parse().expect(path);
    format!(\"{number}_u32\").parse().expect(\"a number is a token\")
}
";
const SERVICE: &str = "\
//! A program over common.
pub fn value() -> u32 {
    common::value() + common::supplied()
}
";
const SERVICE_MAIN: &str = "fn main() {\n    println!(\"{}\", service::value());\n}\n";
const SERVICE_TEST: &str = "\
//! Runs the program.
#[test]
fn it_prints_a_small_number() {
    let output = std::process::Command::new(env!(\"CARGO_BIN_EXE_service\")).output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().trim().parse::<u32>().unwrap() < 100);
}

#[test]
fn the_version_is_early() {
    assert!(env!(\"CARGO_PKG_VERSION\").starts_with(\"0.\"));
}
";
const TOOL: &str = "\
//! A tool that depends on nothing.
pub fn value() -> u32 {
    1
}

#[cfg(test)]
mod tests {
    #[test]
    fn small() {
        assert!(super::value() < 100);
    }

    #[test]
    fn the_setting_is_small() {
        // Cargo reads the settings beside this package only where it is started here.
        let set = std::env::var(\"ASHLAR_TOOL\").map_or(0, |text| text.parse::<u32>().unwrap());
        assert!(set < 100);
    }
}
";

/// Writes all of them.
pub(super) fn put(tree: &mut Tree) {
    tree.file("common/src/lib.rs", COMMON);
    tree.file("common/src/wire.rs", "pub fn length() -> u32 {\n    1\n}\n");
    tree.file("common/tests/it.rs", COMMON_TEST);
    tree.file("common/tests/data/shared.txt", "41\n");
    tree.file("common/examples/show.rs", "fn main() {\n    println!(\"{}\", common::value());\n}\n");
    tree.file("common/benches/speed.rs", "fn main() {}\n");
    tree.file("common/README.md", "# Common\n");
    tree.file("macros/src/lib.rs", MACROS);
    tree.file("volumes/src/lib.rs", "pub fn value() -> u32 {\n    common::value()\n}\n");
    tree.file("volumes/tests/it.rs", "#[test]\nfn small() {\n    assert!(volumes::value() < 100);\n}\n");
    tree.file("service/src/lib.rs", SERVICE);
    tree.file("service/src/main.rs", SERVICE_MAIN);
    tree.file("service/tests/it.rs", SERVICE_TEST);
    tree.file("tool/src/lib.rs", TOOL);
}
