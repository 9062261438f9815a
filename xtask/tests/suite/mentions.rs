//! Without any record, what sources say of other packages' files is seen.

use std::collections::BTreeSet;

use crate::repo::Repo;

fn jobs<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

/// What an edit of `path` selects, where `source` holds `text`.
fn selected(source: &str, text: &str, path: &str) -> BTreeSet<String> {
    let repo = Repo::new();
    repo.write(source, text);
    repo.write(path, "1\n");
    repo.commit();
    repo.write(path, "2\n");
    repo.selected(&["--base", "HEAD"])
}

#[test]
fn a_file_of_a_peer_that_is_built_in_selects_who_builds_it_in() {
    let both = jobs(["driver-lvm", "driver-nfs"]);
    let text = "const T: &str = include_str!(\"../../lvm/table\");\n";
    assert_eq!(selected("drivers/nfs/src/lib.rs", text, "drivers/lvm/table"), both);
    let text = "#[path = \"../../lvm/src/shared.rs\"]\nmod shared;\n";
    assert_eq!(selected("drivers/nfs/src/lib.rs", text, "drivers/lvm/src/shared.rs"), both);
    let text = "some_macro! { mod x { #![doc = include_str!(\"../../lvm/NOTES.md\")] } }\n";
    assert_eq!(selected("drivers/nfs/src/lib.rs", text, "drivers/lvm/NOTES.md"), both);
}

#[test]
fn a_file_of_a_peer_that_a_test_reads_selects_its_own_job_alone() {
    let text =
        "#[test]\nfn t() { std::fs::read(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/../../tool/data/x\")).unwrap(); }\n";
    assert_eq!(selected("common/tests/it.rs", text, "tool/data/x"), jobs(["common", "tool"]));
    let text = "#[test]\nfn t() { std::fs::read_dir(\"../tool/data\").unwrap(); }\n";
    assert_eq!(selected("common/tests/it.rs", text, "tool/data/new"), jobs(["common", "tool"]));
}

#[test]
fn prose_that_is_built_in_selects_in_spite_of_the_rule() {
    let text = "#![doc = include_str!(\"../../../README.md\")]\n";
    assert_eq!(selected("drivers/nfs/src/lib.rs", text, "README.md"), jobs(["driver-nfs"]));
    assert_eq!(selected("drivers/nfs/src/lib.rs", "//! Nothing.\n", "README.md"), jobs([]));
}

#[test]
fn who_climbs_out_of_its_package_may_read_anything() {
    let text = "fn f() { std::path::Path::new(env!(\"CARGO_MANIFEST_DIR\")).parent(); }\n";
    assert_eq!(selected("drivers/nfs/src/lib.rs", text, "docs/a.md"), jobs(["driver-nfs"]));
    assert_eq!(selected("tool/tests/it.rs", text, "drivers/nfs/src/lib.rs"), jobs(["driver-nfs", "tool"]));
}

#[test]
fn who_names_a_file_that_nothing_places_places_it() {
    let text = "#[test]\nfn t() { std::fs::read(\"../../fixtures/lvm/a\").unwrap(); }\n";
    assert_eq!(selected("drivers/lvm/tests/it.rs", text, "fixtures/lvm/a"), jobs(["driver-lvm"]));
    assert_eq!(selected("drivers/lvm/tests/it.rs", text, "fixtures/nfs/a").len(), 7, "nobody names it");
}
