//! What is on disk has the ids that git would give it.

use xtask::affected::{changes::Base, git::Git};

use crate::repo::Repo;

#[test]
fn a_work_tree_has_the_ids_that_its_commit_will_have() {
    let repo = Repo::new();
    repo.write("common/src/lib.rs", "//! Another.\n");
    repo.write("new file", "new\n");
    repo.write_bytes(b"a\nb\xff", "hostile\n");
    repo.write("run.sh", "#!/bin/sh\n");
    repo.link("link", "README.md");
    let mut permissions = std::fs::metadata(repo.path("run.sh")).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o755);
    std::fs::set_permissions(repo.path("run.sh"), permissions).unwrap();
    std::fs::remove_file(repo.path("tool/tests/it.rs")).unwrap();
    repo.git(&["add", "new file"]);
    let git = Git::open(&repo.path("")).unwrap();
    let before = git.work_tree().unwrap();
    repo.commit();
    let commit = git.tree(&Base::Commit("HEAD".to_owned())).unwrap();
    assert_eq!(before, commit);
    assert_eq!(git.work_tree().unwrap(), commit);
}
