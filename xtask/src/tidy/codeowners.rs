//! CODEOWNERS names a team for every driver.

use super::tree::{Tree, none};

#[test]
fn every_driver_has_a_team() {
    let tree = Tree::read();
    let places = [".github/CODEOWNERS", "CODEOWNERS"];
    let text = places.iter().find_map(|place| std::fs::read_to_string(tree.at(place)).ok());
    let text = text.expect("there is a CODEOWNERS file");
    let named: Vec<&str> = text.lines().filter_map(|line| line.split_once(" @")).map(|line| line.0.trim()).collect();
    let mut offenders: Vec<String> = std::fs::read_dir(tree.at("drivers"))
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .map(|name| format!("/drivers/{name}/"))
        .filter(|folder| tree.at(&folder[1..]).join("Cargo.toml").exists() && !named.contains(&folder.as_str()))
        .collect();
    offenders.sort();
    none(&offenders, "add to CODEOWNERS a line `FOLDER @ashlar/TEAM` for");
}
