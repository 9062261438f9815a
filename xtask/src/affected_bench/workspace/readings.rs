//! A driver's sources, tests and data, from what it reads.

use std::fmt::Write;

use super::{
    SUBMODULE,
    design::{Driver, Reading},
};
use crate::affected_bench::tree::Tree;

const SMALL: &str = "41\n";
const TEST_HEAD: &str = "\
//! What this driver reads when its tests run. Tests begin in the package's folder.
use std::{fs, path::Path, process::Command};

fn number(path: impl AsRef<Path>) -> u32 {
    let path = path.as_ref();
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!(\"{}: {error}\", path.display()));
    text.trim().parse().unwrap_or_else(|error| panic!(\"{}: {error}\", path.display()))
}

fn every_number(folder: &str) -> u32 {
    fs::read_dir(folder).unwrap().map(|entry| number(entry.unwrap().path())).max().unwrap()
}

#[test]
fn tools_are_at_hand() {
    let _ = Command::new(\"true\");
    assert!(number(\"tests/data/always.txt\") < 100);
    assert_ne!(every_number(\"tests/data\"), 0);
}
";

/// What a driver's files hold, while it grows.
struct Parts {
    before: String,
    library: String,
    adds: Vec<String>,
    tests: String,
    build: Option<String>,
}

/// Writes a driver's folder, and what it reads elsewhere.
pub(super) fn put(tree: &mut Tree, driver: &Driver) {
    let name = &driver.name;
    let adds = driver.calls.iter().map(|called| format!("{called}::value()")).collect();
    let mut parts =
        Parts { before: String::new(), library: String::new(), adds, tests: TEST_HEAD.to_owned(), build: None };
    tree.file(format!("drivers/{name}/tests/data/always.txt"), SMALL);
    tree.file(format!("drivers/{name}/README.md"), format!("# The driver {name}\n"));
    tree.file(format!("drivers/{name}/src/parts.rs"), "pub fn part() -> u32 {\n    1\n}\n");
    for reading in &driver.readings {
        match reading {
            Reading::RunOwn
            | Reading::RunPeer
            | Reading::RunJoined
            | Reading::RunConcat
            | Reading::RunListed
            | Reading::RunOptional
            | Reading::RunScript
            | Reading::RunLink
            | Reading::RunSubmodule
            | Reading::RunVariable
            | Reading::RunOddNames => at_run_time(*reading, driver, &mut parts, tree),
            _ => while_building(*reading, driver, &mut parts, tree),
        }
    }
    tree.file(format!("drivers/{name}/src/lib.rs"), library(name, &parts));
    tree.file(format!("drivers/{name}/tests/it.rs"), &parts.tests);
    if let Some(build) = parts.build {
        tree.file(format!("drivers/{name}/build.rs"), build);
    }
    if let Some(job) = driver.job {
        tree.file(format!("drivers/{name}/job.toml"), job);
    }
}

fn library(name: &str, parts: &Parts) -> String {
    let Parts { before, library, adds, .. } = parts;
    let more: String = adds.iter().map(|add| format!(" + {add}")).collect();
    format!(
        "{before}//! The driver {name}.\nmod parts;\n\npub fn number(text: &str) -> u32 {{\n    \
         text.trim().parse().unwrap_or(u32::MAX / 100)\n}}\n\n{library}\npub fn value() -> u32 {{\n    \
         common::value() + parts::part(){more}\n}}\n\n#[cfg(test)]\nmod tests {{\n    #[test]\n    \
         fn the_sum_is_small() {{\n        assert!(super::value() < 1000);\n    }}\n}}\n"
    )
}

fn while_building(reading: Reading, driver: &Driver, parts: &mut Parts, tree: &mut Tree) {
    let Driver { name, peer, .. } = driver;
    match reading {
        Reading::Include => {
            tree.file(format!("drivers/{name}/src/table.txt"), SMALL);
            parts.adds.push("number(include_str!(\"table.txt\"))".to_owned());
        }
        Reading::IncludeOfPeer => {
            tree.file(format!("drivers/{peer}/src/shared.txt"), SMALL);
            parts.adds.push(format!("number(include_str!(\"../../{peer}/src/shared.txt\"))"));
        }
        Reading::PathModule => {
            tree.file(format!("drivers/{peer}/src/helper.rs"), "pub fn helped() -> u32 {\n    1\n}\n");
            let _ = writeln!(parts.library, "#[path = \"../../{peer}/src/helper.rs\"]\nmod helper;");
            parts.adds.push("helper::helped()".to_owned());
        }
        Reading::DocInclude => parts.before.push_str("#![doc = include_str!(\"../README.md\")]\n"),
        Reading::ModuleInMacro => {
            tree.file(format!("drivers/{name}/src/inside.rs"), "pub fn inside() -> u32 {\n    1\n}\n");
            parts.library.push_str(
                "macro_rules! module {\n    ($name:ident) => {\n        mod $name;\n    };\n}\nmodule!(inside);\n",
            );
            parts.adds.push("inside::inside()".to_owned());
        }
        Reading::MacroReads => {
            tree.file(format!("tables/{name}.txt"), SMALL);
            parts.adds.push(format!("macros::number!(\"../../tables/{name}.txt\")"));
        }
        Reading::BuildListed => {
            tree.file(format!("drivers/{name}/data/build.txt"), SMALL);
            let says = "    println!(\"cargo::rerun-if-changed=data/build.txt\");\n    \
                        println!(\"cargo::rerun-if-env-changed=ASHLAR_BUILD\");\n";
            parts.build = Some(build_script(says, "number(\"data/build.txt\") + variable()"));
            parts.library.push_str("include!(concat!(env!(\"OUT_DIR\"), \"/built.rs\"));\n");
            parts.adds.push("BUILT".to_owned());
        }
        Reading::BuildBlind => {
            tree.file(format!("drivers/{name}/data/blind.txt"), SMALL);
            tree.file(format!("tables/{name}-blind.txt"), SMALL);
            let sum = format!("number(\"data/blind.txt\") + number(\"../../tables/{name}-blind.txt\")");
            parts.build = Some(build_script("    let _ = variable();\n", &sum));
            parts.library.push_str("include!(concat!(env!(\"OUT_DIR\"), \"/built.rs\"));\n");
            parts.adds.push("BUILT".to_owned());
        }
        _ => {}
    }
}

fn build_script(says: &str, sum: &str) -> String {
    format!(
        "use std::{{env, fs, path::Path}};\n\nfn number(path: &str) -> u32 {{\n    \
         fs::read_to_string(path).expect(path).trim().parse().expect(path)\n}}\n\nfn variable() -> u32 {{\n    \
         env::var(\"ASHLAR_BUILD\").ok().and_then(|text| text.parse().ok()).unwrap_or(0)\n}}\n\nfn main() {{\n{says}    \
         let built = format!(\"pub const BUILT: u32 = {{}};\\n\", {sum});\n    \
         let out = env::var(\"OUT_DIR\").expect(\"cargo sets it\");\n    \
         fs::write(Path::new(&out).join(\"built.rs\"), built).expect(\"the folder is cargo's\");\n}}\n"
    )
}

fn at_run_time(reading: Reading, driver: &Driver, parts: &mut Parts, tree: &mut Tree) {
    let Driver { name, peer, .. } = driver;
    let mut test = |title: &str, body: &str| {
        let _ = write!(parts.tests, "\n#[test]\nfn {title}() {{\n    {body}\n}}\n");
    };
    match reading {
        Reading::RunOwn => {
            tree.file(format!("drivers/{name}/fixtures/own.txt"), SMALL);
            test("own_fixture", "assert!(number(\"fixtures/own.txt\") < 100);");
        }
        Reading::RunPeer => {
            tree.file(format!("drivers/{peer}/tests/lent/lent.txt"), SMALL);
            test("fixture_of_a_peer", &format!("assert!(number(\"../{peer}/tests/lent/lent.txt\") < 100);"));
        }
        Reading::RunJoined => {
            tree.file(format!("fixtures/{name}-joined.txt"), SMALL);
            let path = format!("Path::new(env!(\"CARGO_MANIFEST_DIR\")).join(\"../../fixtures/{name}-joined.txt\")");
            test("joined_fixture", &format!("assert!(number({path}) < 100);"));
        }
        Reading::RunConcat => {
            tree.file(format!("fixtures/{name}-concat.txt"), SMALL);
            let path = format!("concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/../../fixtures/{name}-concat.txt\")");
            test("fixture_by_concat", &format!("assert!(number({path}) < 100);"));
        }
        Reading::RunListed => {
            tree.file(format!("fixtures/{name}/one.txt"), SMALL);
            tree.file(format!("fixtures/{name}/two.txt"), SMALL);
            test("listed_fixtures", &format!("assert!(every_number(\"../../fixtures/{name}\") < 100);"));
        }
        Reading::RunOptional => {
            tree.file("settings/README.md", "Overrides go here.\n");
            let path = format!("../../settings/{name}.txt");
            test("an_override_is_small", &format!("assert!(!Path::new({path:?}).exists() || number({path:?}) < 100);"));
        }
        Reading::RunScript => {
            tree.script(&format!("drivers/{name}/fixtures/run.sh"), "#!/bin/sh\nexit 0\n");
            test("script", "assert!(Command::new(\"./fixtures/run.sh\").status().unwrap().success());");
        }
        Reading::RunLink => {
            tree.link(format!("drivers/{name}/fixtures/linked.txt"), "../../../common/tests/data/shared.txt");
            tree.link(format!("drivers/{name}/fixtures/folder"), "../../../fixtures/linked");
            tree.file("fixtures/linked/number.txt", SMALL);
            test("linked_fixture", "assert!(number(\"fixtures/linked.txt\") < 100);");
            test("fixture_in_a_linked_folder", "assert!(number(\"fixtures/folder/number.txt\") < 100);");
        }
        Reading::RunSubmodule => {
            test("fixture_of_the_submodule", &format!("assert!(number(\"../../{SUBMODULE}/number.txt\") < 100);"));
        }
        Reading::RunVariable => {
            test("variable", "assert!(std::env::var(\"ASHLAR_LIMIT\").unwrap().parse::<u32>().unwrap() < 100);");
        }
        Reading::RunOddNames => {
            for odd in ["a space.txt", "a\nline.txt"] {
                tree.file(format!("drivers/{name}/fixtures/odd/{odd}"), SMALL);
            }
            test("odd_names", "assert!(every_number(\"fixtures/odd\") < 100);");
        }
        _ => {}
    }
}
