//! A workspace of many members and many locked packages, for speed alone: nothing in it is ever built.

use crate::affected_bench::tree::Tree;

/// `members` packages in layers of ten, and `locked` more from elsewhere, of which each member takes four.
pub(in crate::affected_bench) fn large(members: usize, locked: usize) -> Tree {
    let mut tree = Tree::default();
    tree.file("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"m/*\"]\n");
    tree.file(".gitignore", "/target\n");
    tree.file(
        ".cargo/config.toml",
        "[source.crates-io]\nreplace-with = \"supply\"\n[source.supply]\ndirectory = \"supply\"\n",
    );
    let mut jobs = String::from("default-gate = \"m0\"\n\n[[package-job]]\npackages = \"member-*\"\nname = \"m{}\"\n");
    jobs.push_str("\n[[rule]]\npaths = [\"ci/**\", \".cargo/**\"]\njobs = \"all\"\nwhy = \"governs every job\"\n");
    tree.file("ci/jobs.toml", jobs);
    for index in 0..members {
        let below = [index.checked_sub(10), index.checked_sub(17)].into_iter().flatten();
        let own: String = below.map(|other| format!("member-{other} = {{ path = \"../{other}\" }}\n")).collect();
        let taken: String = (0..4).map(|n| format!("far-{} = \"1\"\n", (index * 4 + n) % locked.max(1))).collect();
        let taken = if locked == 0 { String::new() } else { taken };
        let text = format!("[package]\nname = \"member-{index}\"\nedition = \"2024\"\n[dependencies]\n{own}{taken}");
        tree.file(format!("m/{index}/Cargo.toml"), text);
        tree.file(format!("m/{index}/src/lib.rs"), "//! Nothing.\n");
        tree.file(format!("m/{index}/tests/it.rs"), "//! Nothing.\n");
    }
    for index in 0..locked {
        let folder = format!("supply/far-{index}");
        let text = format!("[package]\nname = \"far-{index}\"\nversion = \"1.0.0\"\nedition = \"2021\"\n");
        tree.file(format!("{folder}/Cargo.toml"), text);
        tree.file(format!("{folder}/src/lib.rs"), "");
        tree.file(format!("{folder}/.cargo-checksum.json"), format!("{{\"files\":{{}},\"package\":\"{index:064x}\"}}"));
    }
    tree
}
