//! Edits that break whoever reads the file. Pure, and the same for the same seed.

use fastrand::Rng;

use crate::affected::{git::is_manifest, path::RepoPath, tree::Tree};

/// What becomes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// It holds this instead.
    Broken(Vec<u8>),
    /// It is gone.
    Gone,
}

/// The files worth breaking: manifests and the job table are compared or refused, not read by tests alone.
#[must_use]
pub fn candidates(tree: &Tree) -> Vec<RepoPath> {
    let files = tree.iter().filter(|(_, entry)| entry.mode.starts_with("100"));
    let plain = files.filter(|(path, _)| !is_manifest(path) && !path.as_bytes().ends_with(b"jobs.toml"));
    plain.map(|(path, _)| path.clone()).collect()
}

/// Breaks a file: a source no longer compiles, anything else holds noise or is gone.
#[must_use]
pub fn sabotage(path: &RepoPath, contents: &[u8], rng: &mut Rng) -> Sabotage {
    if path.as_bytes().ends_with(b".rs") {
        return Sabotage::Broken([contents, b"\ncompile_error!(\"sabotage of affected-audit\");\n"].concat());
    }
    if rng.bool() {
        return Sabotage::Gone;
    }
    let noise: Vec<u8> = std::iter::repeat_with(|| rng.u8(..)).take(contents.len().clamp(16, 4096)).collect();
    Sabotage::Broken(noise)
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::{RepoPath, Sabotage, Tree, candidates, sabotage};

    #[test]
    fn a_source_keeps_what_it_had_and_does_not_compile() {
        let broken = sabotage(&RepoPath::new("a.rs"), b"fn f() {}", &mut Rng::with_seed(1));
        let Sabotage::Broken(text) = broken else { panic!("{broken:?}") };
        assert!(text.starts_with(b"fn f() {}\ncompile_error!"));
    }

    #[test]
    fn the_same_seed_breaks_alike_and_never_leaves_a_file_as_it_was() {
        for seed in 0..64 {
            let once = sabotage(&RepoPath::new("a.txt"), b"text", &mut Rng::with_seed(seed));
            assert_eq!(once, sabotage(&RepoPath::new("a.txt"), b"text", &mut Rng::with_seed(seed)));
            assert_ne!(once, Sabotage::Broken(b"text".to_vec()));
        }
    }

    #[test]
    fn manifests_and_links_are_no_candidates() {
        let listing =
            b"100644 blob 1\tCargo.toml\x00120000 blob 2\tlink\x00100755 blob 3\trun\x00100644 blob 4\tci/jobs.toml\0";
        assert_eq!(candidates(&Tree::parse(listing).unwrap()), [RepoPath::new("run")]);
    }
}
