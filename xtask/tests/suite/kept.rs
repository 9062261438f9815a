//! What is kept between plans is a shortcut: it never changes an answer.

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be made is a failed test")]

use std::fs;

use crate::repo::Repo;

/// The plan made with what is kept, which must be the plan made afresh.
fn same_both_ways(repo: &Repo, step: &str) -> String {
    let plan = |more: &[&str]| {
        let output = repo.affected(&[&["--base", "main", "--format", "json"], more].concat());
        assert!(output.status.success(), "{step}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let kept = plan(&[]);
    assert_eq!(kept, plan(&["--no-cache"]), "{step}");
    assert_eq!(kept, plan(&[]), "{step}, again");
    kept
}

fn append(repo: &Repo, name: &str, text: &str) {
    let before = fs::read_to_string(repo.path(name)).unwrap();
    repo.write(name, &format!("{before}{text}"));
}

#[test]
fn every_step_of_a_change_has_the_same_plan_with_and_without_what_is_kept() {
    let repo = Repo::new();
    let steps: [(&str, &dyn Fn()); 8] = [
        ("nothing", &|| {}),
        ("a source", &|| append(&repo, "drivers/nfs/src/lib.rs", "fn f() {}\n")),
        ("a source that names a peer's file", &|| {
            append(&repo, "drivers/nfs/src/lib.rs", "const T: &str = include_str!(\"../../lvm/table\");\n");
            repo.write("drivers/lvm/table", "1\n");
        }),
        ("a comment in a manifest", &|| append(&repo, "tool/Cargo.toml", "# A comment.\n")),
        ("a new target", &|| repo.write("tool/src/bin/more.rs", "//! Nothing.\nfn main() {}\n")),
        ("a dependency", &|| {
            append(&repo, "tool/Cargo.toml", "driver-nfs = { path = \"../drivers/nfs\" }\n");
            repo.lock();
        }),
        ("the same, committed", &|| repo.commit()),
        ("a member less", &|| {
            fs::remove_dir_all(repo.path("drivers/lvm")).unwrap();
            repo.lock();
        }),
    ];
    let mut plans = Vec::new();
    for (step, edit) in steps {
        edit();
        plans.push(same_both_ways(&repo, step));
    }
    // The steps differ in what they say; committing does not.
    assert!(plans.windows(2).all(|pair| pair[0] != pair[1] || pair[0] == plans[5]));
    assert_eq!(plans[5], plans[6]);
}

#[test]
fn what_is_kept_and_broken_is_made_again() {
    let repo = Repo::new();
    append(&repo, "common/src/lib.rs", "fn f() {}\n");
    let before = same_both_ways(&repo, "before");
    let kept = repo.path(".git/affected-tests");
    let pieces: Vec<_> = fs::read_dir(&kept).unwrap().map(|piece| piece.unwrap().path()).collect();
    assert!(!pieces.is_empty());
    for piece in pieces {
        fs::write(piece, "[]").unwrap();
    }
    assert_eq!(same_both_ways(&repo, "after"), before);
}
