//! What a driver sees of `ashlar_common`, read from its sources.

use super::tree::{Tree, none};

/// The modules that are the drivers' side of the common crate.
const SEEN: [&str; 8] = ["bytes", "chain", "driver", "exec", "ids", "image", "stats", "units"];
/// The client's side, for tests that attach what a driver exports.
const CLIENT: &str = "connector";
/// The main of every driver executable, for `main.rs` alone.
const HOST: &str = "host";

#[test]
fn drivers_see_only_their_side_of_common() {
    let tree = Tree::read();
    let mut offenders = Vec::new();
    for file in tree.texts(".rs").iter().filter(|file| file.path.starts_with("drivers/")) {
        let (main, test) = (file.path.ends_with("/src/main.rs"), file.path.contains("/tests/"));
        for module in common_modules(&file.text) {
            let seen = SEEN.contains(&module.as_str()) || (main && module == HOST) || (test && module == CLIENT);
            if !seen {
                offenders.push(format!("{}: ashlar_common::{module}", file.path));
            }
        }
    }
    none(
        &offenders,
        "a driver uses `ashlar_common::{bytes, chain, driver, exec, ids, image, stats, units}`, `host` in main.rs, and \
         `connector` in tests",
    );
}

/// The first names behind `ashlar_common::`, also those in braces and in nested `use` groups.
fn common_modules(source: &str) -> Vec<String> {
    let code: String = source.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n");
    let mut modules = Vec::new();
    for (at, name) in code.match_indices("ashlar_common") {
        let Some(rest) = code[at + name.len()..].trim_start().strip_prefix("::") else {
            // `use ashlar_common as x` and `use {ashlar_common}` would hide what follows.
            modules.push("(by another name)".to_owned());
            continue;
        };
        let rest = rest.trim_start();
        match rest.strip_prefix('{') {
            Some(group) => modules.extend(first_names(group)),
            None => modules.push(identifier(rest)),
        }
    }
    modules
}

/// The first name of each entry of a `use` group, up to its closing brace.
fn first_names(group: &str) -> Vec<String> {
    let (mut depth, mut start, mut entries) = (0_usize, 0, Vec::new());
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => {
                entries.push(&group[start..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                entries.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    entries.into_iter().map(str::trim).filter(|entry| !entry.is_empty()).map(identifier).collect()
}

fn identifier(text: &str) -> String {
    let name: String = text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
    if name.is_empty() { text.chars().take(1).collect() } else { name }
}

#[test]
fn every_way_to_name_a_module_is_seen() {
    let check = |source: &str, expected: &[&str]| assert_eq!(common_modules(source), expected, "{source}");
    check("use ashlar_common::driver::Driver;", &["driver"]);
    check(
        "use {ashlar_common::{driver::{Driver, Kind}, store, stats::Capacity,}, std::fmt};",
        &["driver", "store", "stats"],
    );
    check("fn f() -> ashlar_common::manager::X {}", &["manager"]);
    check("use ashlar_common::*;", &["*"]);
    check("use ashlar_common as common;", &["(by another name)"]);
    check("// ashlar_common::store\n/// [`ashlar_common::store`]", &[]);
}
