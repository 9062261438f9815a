//! Workspaces of Ashlar's shape, made up: common code, a macro crate, drivers that read files in every way we know of,
//! crates from elsewhere in two versions, and jobs over all of it.
//!
//! A [`design`] says who reads what, the rest turns it into files. Every number in a data file is below a hundred, and
//! every test fails at a hundred: an edit is *breaking* where it writes [`TOO_MUCH`], and then a job that was left out
//! is a job that would have been red.

pub(super) mod design;
mod large;
mod manifests;
mod readings;
mod sources;
mod supply;
mod surroundings;

pub(super) use large::large;
pub(super) use supply::{VERSIONS, checksum};

use self::design::Design;
use super::tree::Tree;

/// A number that every test passes with.
pub(super) const FINE: &str = "42\n";
/// A number that every test fails with.
pub(super) const TOO_MUCH: &str = "4100\n";
/// The repository that the tree has as a submodule, if a driver reads it; its one file is `number.txt`.
pub(super) const SUBMODULE: &str = "third-party/wire";
/// The crates from elsewhere, each in a newer version that is locked, and an older one that breaks.
pub(super) const SUPPLIED: [&str; 7] = ["leaf", "branch", "twig", "base", "probe", "extra", "winonly"];

/// The files of a design, without `Cargo.lock` and without the submodule.
pub(super) fn files(design: &Design, toolchain: Option<&str>) -> Tree {
    let mut tree = Tree::default();
    supply::put(&mut tree);
    manifests::put(&mut tree, design);
    sources::put(&mut tree);
    for driver in &design.drivers {
        readings::put(&mut tree, driver);
    }
    surroundings::put(&mut tree, design, toolchain);
    tree
}

#[cfg(test)]
mod tests {
    use super::{design::Design, files};

    #[test]
    fn the_same_seed_makes_the_same_files_and_another_seed_others() {
        let made = |seed| files(&Design::seeded(seed), None);
        assert_eq!(made(7), made(7));
        assert_ne!(made(7), made(8));
    }
}
