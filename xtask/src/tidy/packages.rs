//! Manifests: shared lints, and dependencies that point one way.

use super::tree::{Tree, none};

#[test]
fn every_package_takes_the_workspace_s_lints() {
    let tree = Tree::read();
    let mut offenders = Vec::new();
    for (_, package) in tree.cargo.workspace.members() {
        let folder = String::from_utf8(package.directory.clone().unwrap()).unwrap();
        let manifest = std::fs::read_to_string(tree.at(&folder).join("Cargo.toml")).unwrap();
        let manifest: toml::Table = manifest.parse().unwrap();
        let lints = manifest.get("lints").and_then(|lints| lints.get("workspace"));
        if lints.and_then(toml::Value::as_bool) != Some(true) {
            offenders.push(format!("{folder}/Cargo.toml"));
        }
    }
    none(&offenders, "say `[lints] workspace = true` in");
}

#[test]
fn no_crate_depends_on_a_driver() {
    let tree = Tree::read();
    let packages = &tree.cargo.workspace.packages;
    let mut offenders = Vec::new();
    for driver in packages.iter().filter(|package| package.name.starts_with("ashlar-driver-")) {
        for dependent in &driver.dependents {
            offenders.push(format!("{} depends on {}", packages[dependent.package].name, driver.name));
        }
    }
    none(&offenders, "a driver is a leaf: only so does its change run its own job alone");
}

#[test]
fn dependencies_point_one_way() {
    // What a package of this workspace may depend on, beside packages from elsewhere; by name or its beginning.
    let may = |from: &str, to: &str, dev_only: bool| match (from, to) {
        (_, "ashlar-conformance") => dev_only,
        // Everybody's tests may raise one; the tools do so for people.
        (from, "ashlar-lab") => dev_only || matches!(from, "xtask" | "ashlar-storm"),
        ("ashlar-common", _) => false,
        ("xtask", _) => dev_only,
        (
            "ashlar"
            | "ashlar-file-volumes"
            | "ashlar-targets"
            | "ashlar-conformance"
            | "ashlar-simulation"
            | "ashlar-storm",
            "ashlar-common",
        ) => true,
        (from, to) => {
            from.starts_with("ashlar-driver-")
                && matches!(to, "ashlar-common" | "ashlar-file-volumes" | "ashlar-targets")
        }
    };
    let tree = Tree::read();
    let mut offenders = Vec::new();
    for (_, to) in tree.cargo.workspace.members() {
        for dependent in &to.dependents {
            let from = &tree.cargo.workspace.packages[dependent.package];
            if from.member && !may(&from.name, &to.name, dependent.dev_only) {
                offenders.push(format!("{} on {}", from.name, to.name));
            }
        }
    }
    none(&offenders, "these dependencies point the wrong way (see ARCHITECTURE.md)");
}
