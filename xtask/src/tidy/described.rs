//! The documentation of drivers says what the drivers say.

use super::tree::{Tree, none};
use crate::{
    compliance::found,
    drivers::{command::pages, describe::described},
};

#[test]
fn readmes_and_the_support_matrix_say_what_the_drivers_say() {
    let tree = Tree::read();
    let drivers = found::drivers(tree.root()).unwrap();
    assert!(!drivers.is_empty());
    let drivers = described(tree.root(), &tree.cargo.target, &drivers).unwrap();
    let pages = pages(tree.root(), &drivers).unwrap();
    let differs = |path: &str, text: &str| std::fs::read_to_string(tree.at(path)).ok().as_deref() != Some(text);
    let offenders: Vec<String> =
        pages.iter().filter(|page| differs(&page.path, &page.text)).map(|page| page.path.clone()).collect();
    none(&offenders, "run `cargo xtask drivers --write`: these say something else than the drivers");
}

#[test]
fn every_driver_plays_the_suite() {
    let drivers = found::drivers(Tree::read().root()).unwrap();
    let offenders: Vec<String> =
        drivers.iter().filter(|driver| !driver.tested).map(|driver| driver.package.clone()).collect();
    none(&offenders, "these drivers have no test target `conformance`");
}
