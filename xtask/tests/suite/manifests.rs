//! Edits of manifests and of the lock file select by what differs for cargo, and by nothing else.

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be made is a failed test")]

use std::{collections::BTreeSet, fs};

use xshell::cmd;

use crate::repo::{EVERY_JOB, Repo};

fn jobs<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

fn all() -> BTreeSet<String> {
    jobs(EVERY_JOB)
}

/// All that builds on `common`.
fn on_common() -> BTreeSet<String> {
    all().difference(&jobs(["tool"])).cloned().collect()
}

/// The workspace with crates from elsewhere: nfs uses `leaf`, lvm uses `branch`, which uses `twig`; `common` uses `base`
/// and, for its tests, `probe`.
fn supplied() -> Repo {
    let repo = Repo::new();
    repo.write(
        ".cargo/config.toml",
        "[source.crates-io]\nreplace-with = \"supply\"\n[source.supply]\ndirectory = \"supply\"\n",
    );
    for (name, version, more) in [
        ("leaf", "1.0.0", ""),
        ("leaf", "1.1.0", ""),
        ("branch", "1.0.0", "[dependencies]\ntwig = \"1\"\n"),
        ("twig", "1.0.0", ""),
        ("twig", "1.1.0", ""),
        ("base", "1.0.0", ""),
        ("base", "1.1.0", ""),
        ("probe", "1.0.0", ""),
        ("probe", "1.1.0", ""),
    ] {
        let folder = format!("supply/{name}-{version}");
        let manifest = format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2021\"\n{more}");
        repo.write(&format!("{folder}/Cargo.toml"), &manifest);
        repo.write(&format!("{folder}/src/lib.rs"), "");
        let sum = checksum(name, version);
        repo.write(&format!("{folder}/.cargo-checksum.json"), &format!("{{\"files\":{{}},\"package\":\"{sum}\"}}"));
    }
    append(&repo, "drivers/nfs/Cargo.toml", "leaf = \"1\"\n");
    append(&repo, "drivers/lvm/Cargo.toml", "branch = \"1\"\n");
    append(&repo, "common/Cargo.toml", "base = \"1\"\n[dev-dependencies]\nprobe = \"1\"\n");
    lock(&repo, &["generate-lockfile"]);
    repo.commit();
    repo
}

fn lock(repo: &Repo, arguments: &[&str]) {
    let shell = &repo.shell;
    cmd!(shell, "cargo {arguments...} --offline --quiet").quiet().run().unwrap();
}

fn checksum(name: &str, version: &str) -> String {
    format!("{:032x}{:032x}", u32::from(name.as_bytes()[0]), u32::from(version.as_bytes()[2]))
}

/// Locks the older of the two versions; cargo itself always takes the newest that a folder of crates has.
fn step_back(repo: &Repo, name: &str) {
    let before = fs::read_to_string(repo.path("Cargo.lock")).unwrap();
    let after = before
        .replace(&format!("name = \"{name}\"\nversion = \"1.1.0\""), &format!("name = \"{name}\"\nversion = \"1.0.0\""))
        .replace(&checksum(name, "1.1.0"), &checksum(name, "1.0.0"));
    assert_ne!(after, before);
    repo.write("Cargo.lock", &after);
}

fn append(repo: &Repo, name: &str, text: &str) {
    let before = fs::read_to_string(repo.path(name)).unwrap();
    repo.write(name, &format!("{before}{text}"));
}

/// What an edit since the last commit selects, both in the work tree and committed.
fn since(repo: &Repo) -> BTreeSet<String> {
    let selected = repo.selected(&["--base", "HEAD"]);
    repo.commit();
    assert_eq!(repo.selected(&["--base", "HEAD~", "--head", "HEAD"]), selected);
    selected
}

/// What more text at the end of one file selects.
fn appended(name: &str, text: &str) -> BTreeSet<String> {
    let repo = Repo::new();
    append(&repo, name, text);
    since(&repo)
}

/// What a change of one text in one file selects.
fn replaced(name: &str, from: &str, to: &str) -> BTreeSet<String> {
    let repo = Repo::new();
    let before = fs::read_to_string(repo.path(name)).unwrap();
    assert!(before.contains(from), "{name} has no `{from}`");
    repo.write(name, &before.replacen(from, to, 1));
    lock(&repo, &["metadata", "--format-version", "1", "--no-deps"]);
    since(&repo)
}

#[test]
fn comments_and_metadata_of_manifests_select_nothing_but_the_driver_s_own_job() {
    for text in ["# A comment.\n", "[package.metadata.x]\ny = 1\n", "[badges]\n"] {
        assert_eq!(appended("common/Cargo.toml", text), jobs([]), "{text}");
        // A change in a driver's folder always runs its job.
        assert_eq!(appended("drivers/nfs/Cargo.toml", text), jobs(["driver-nfs"]), "{text}");
    }
    for text in ["# A comment.\n", "exclude = [\"target\"]\n", "[workspace.metadata.x]\ny = 1\n"] {
        assert_eq!(appended("Cargo.toml", text), jobs([]), "{text}");
    }
    assert_eq!(appended("Cargo.lock", "# A comment.\n"), jobs([]));
    for line in
        ["publish = false", "keywords = [\"a\"]", "documentation = \"https://localhost\"", "include = [\"src\"]"]
    {
        let text = format!("[package]\n{line}\n");
        assert_eq!(replaced("common/Cargo.toml", "[package]\n", &text), jobs([]), "{line}");
    }
}

#[test]
fn what_the_workspace_offers_and_nobody_takes_selects_nothing() {
    assert_eq!(appended("Cargo.toml", "[workspace.dependencies]\nserde = \"1\"\n"), jobs([]));
    assert_eq!(appended("Cargo.toml", "[workspace.package]\nrust-version = \"1.90\"\n"), jobs([]));
    assert_eq!(appended("Cargo.toml", "[workspace.lints.rust]\nunsafe_code = \"forbid\"\n"), jobs([]));
}

#[test]
fn what_reaches_every_package_selects_every_job() {
    for text in ["[profile.dev]\nopt-level = 1\n", "default-members = [\"common\"]\n", "a-key-of-tomorrow = 1\n"] {
        assert_eq!(appended("Cargo.toml", text), all(), "{text}");
    }
    assert_eq!(replaced("Cargo.toml", "\"3\"", "\"1\""), all());
}

#[test]
fn a_profile_reaches_what_it_builds() {
    assert_eq!(appended("Cargo.toml", "[profile.dev.package.common]\nopt-level = 1\n"), on_common());
    assert_eq!(appended("Cargo.toml", "[profile.dev.package.nobody]\nopt-level = 1\n"), jobs([]));
    assert_eq!(appended("Cargo.toml", "[profile.release]\nlto = true\n"), jobs([]));
    assert_eq!(replaced("Cargo.toml", "\"3\"", "\"2\""), jobs([]));
}

/// `autobins` and `build` say what is so already: there is nothing to find.
fn expected(line: &str) -> BTreeSet<String> {
    if line.starts_with("autobins") || line.starts_with("build") { jobs([]) } else { on_common() }
}

#[test]
fn facts_of_one_manifest_select_those_who_build_on_it() {
    for line in
        ["rust-version = \"1.90\"", "description = \"x\"", "authors = [\"x\"]", "autobins = false", "build = false"]
    {
        let text = format!("[package]\n{line}\n");
        assert_eq!(replaced("common/Cargo.toml", "[package]\n", &text), expected(line), "{line}");
    }
    assert_eq!(replaced("common/Cargo.toml", "2024", "2021"), on_common());
    assert_eq!(appended("common/Cargo.toml", "[features]\nmore = []\n"), on_common());
    assert_eq!(appended("common/Cargo.toml", "[lints.rust]\nunsafe_code = \"forbid\"\n"), on_common());
    assert_eq!(appended("common/Cargo.toml", "[lib]\ndoctest = false\n"), on_common());
    assert_eq!(appended("common/Cargo.toml", "[[bin]]\nname = \"more\"\npath = \"src/lib.rs\"\n"), on_common());
}

#[test]
fn metadata_counts_where_a_build_script_may_read_it() {
    let repo = Repo::new();
    repo.write("common/build.rs", "fn main() {}\n");
    repo.commit();
    append(&repo, "common/Cargo.toml", "[package.metadata.x]\ny = 1\n");
    assert_eq!(since(&repo), on_common());
}

#[test]
fn targets_of_tests_are_nobody_elses() {
    let harness = "[[test]]\nname = \"it\"\nharness = false\n";
    assert_eq!(appended("common/Cargo.toml", harness), jobs(["common"]));
    assert_eq!(replaced("common/Cargo.toml", "[package]\n", "[package]\nautotests = false\n"), jobs(["common"]));
    let repo = Repo::new();
    repo.write("common/tests/more.rs", "");
    assert_eq!(since(&repo), jobs(["common"]));
    repo.write("common/src/main.rs", "fn main() {}\n");
    assert_eq!(since(&repo), on_common());
}

#[test]
fn inherited_facts_select_those_who_inherit() {
    let repo = Repo::new();
    append(
        &repo,
        "Cargo.toml",
        "[workspace.package]\nversion = \"1.0.0\"\n[workspace.lints.rust]\nunused = \"warn\"\n",
    );
    append(&repo, "drivers/nfs/Cargo.toml", "[lints]\nworkspace = true\n");
    let manifest = fs::read_to_string(repo.path("drivers/lvm/Cargo.toml")).unwrap();
    repo.write("drivers/lvm/Cargo.toml", &manifest.replacen("[package]\n", "[package]\nversion.workspace = true\n", 1));
    lock(&repo, &["generate-lockfile"]);
    repo.commit();
    let root = fs::read_to_string(repo.path("Cargo.toml")).unwrap();
    repo.write("Cargo.toml", &root.replace("\"warn\"", "\"deny\""));
    assert_eq!(since(&repo), jobs(["driver-nfs"]));
    repo.write("Cargo.toml", &root.replace("\"warn\"", "\"deny\"").replace("1.0.0", "1.1.0"));
    lock(&repo, &["generate-lockfile"]);
    assert_eq!(since(&repo), jobs(["driver-lvm"]));
}

#[test]
fn a_locked_version_selects_those_who_use_the_crate() {
    for (name, expected) in [
        ("leaf", jobs(["driver-nfs"])),
        ("twig", jobs(["driver-lvm"])),
        ("base", on_common()),
        ("probe", jobs(["common"])),
    ] {
        let repo = supplied();
        step_back(&repo, name);
        assert_eq!(since(&repo), expected, "{name}");
    }
}

#[test]
fn a_locked_version_of_ones_own_crate_is_ones_own_whatever_the_policy() {
    let repo = supplied();
    repo.write("drivers/lvm/job.toml", "on-common-change = \"skip\"\n");
    repo.write("drivers/nfs/job.toml", "on-common-change = \"skip\"\n");
    repo.commit();
    step_back(&repo, "twig");
    assert_eq!(since(&repo), jobs(["driver-lvm"]));
    step_back(&repo, "base");
    let others = on_common().difference(&jobs(["driver-lvm", "driver-nfs"])).cloned().collect();
    assert_eq!(since(&repo), others);
}

#[test]
fn dependencies_of_every_kind_are_seen() {
    for (name, line, expected) in [
        ("common", "[dependencies.leaf]\nversion = \"1\"\nfeatures = []\ndefault-features = false\n", on_common()),
        ("common", "[dependencies.renamed]\npackage = \"leaf\"\nversion = \"1\"\n", on_common()),
        ("common", "[dependencies.leaf]\nversion = \"1\"\noptional = true\n", on_common()),
        ("common", "[target.'cfg(windows)'.dependencies]\nleaf = \"1\"\n", on_common()),
        ("common", "[build-dependencies]\nleaf = \"1\"\n", on_common()),
        ("drivers/file-volumes", "[dev-dependencies]\nleaf = \"1\"\n", jobs(["file-volumes"])),
    ] {
        let repo = supplied();
        append(&repo, &format!("{name}/Cargo.toml"), line);
        lock(&repo, &["metadata", "--format-version", "1"]);
        assert_eq!(since(&repo), expected, "{line}");
    }
}

#[test]
fn a_requirement_that_comes_to_the_same_selects_nothing() {
    let repo = supplied();
    let manifest = fs::read_to_string(repo.path("common/Cargo.toml")).unwrap();
    repo.write("common/Cargo.toml", &manifest.replace("base = \"1\"", "base = \"1.0\""));
    assert_eq!(since(&repo), jobs([]));
}

#[test]
fn crates_added_and_renamed_select_themselves_and_their_users() {
    let repo = Repo::new();
    repo.write("drivers/zfs/Cargo.toml", "[package]\nname = \"driver-zfs\"\nedition = \"2024\"\n");
    repo.write("drivers/zfs/src/lib.rs", "");
    lock(&repo, &["generate-lockfile"]);
    assert_eq!(since(&repo), jobs(["driver-zfs"]));
    repo.git(&["mv", "drivers/zfs", "drivers/btrfs"]);
    repo.write("drivers/btrfs/Cargo.toml", "[package]\nname = \"driver-btrfs\"\nedition = \"2024\"\n");
    lock(&repo, &["generate-lockfile"]);
    assert_eq!(since(&repo), jobs(["driver-btrfs"]));
}

#[test]
fn the_list_of_members_may_be_written_otherwise() {
    let every = "\"common\", \"drivers/file-volumes\", \"drivers/[!f]*\", \"tool\"";
    assert_eq!(replaced("Cargo.toml", "\"common\", \"drivers/*\", \"tool\"", every), jobs([]));
}

#[test]
fn what_cannot_be_compared_selects_every_job_and_says_why() {
    let reason = |repo: &Repo| {
        let plan = repo.plan(&["--base", "HEAD"]);
        assert_eq!(repo.selected(&["--base", "HEAD"]), all());
        plan["jobs"][0]["reason"]["steps"][0]["why"].as_str().unwrap().to_owned()
    };
    let repo = Repo::new();
    let manifest = fs::read_to_string(repo.path("tool/Cargo.toml")).unwrap();
    repo.write("tool/Cargo.toml", "[package\n");
    repo.commit();
    repo.write("tool/Cargo.toml", &manifest);
    assert!(reason(&repo).starts_with("the manifests of the base cannot be compared"), "{}", reason(&repo));
    repo.commit();
    append(&repo, "tool/Cargo.toml", "common = { path = \"../common\" }\n");
    repo.commit();
    lock(&repo, &["generate-lockfile"]);
    assert!(reason(&repo).contains("does not fit the dependencies of tool"), "{}", reason(&repo));
    fs::rename(repo.path("Cargo.lock"), repo.path("target.lock")).unwrap();
    repo.commit();
    fs::rename(repo.path("target.lock"), repo.path("Cargo.lock")).unwrap();
    assert!(reason(&repo).contains("Cargo.lock cannot be read"), "{}", reason(&repo));
}

#[test]
fn what_is_staged_counts_also_where_the_work_tree_undid_it() {
    let repo = Repo::new();
    let manifest = fs::read_to_string(repo.path("common/Cargo.toml")).unwrap();
    append(&repo, "common/Cargo.toml", "[features]\nmore = []\n");
    repo.git(&["add", "--all"]);
    repo.write("common/Cargo.toml", &format!("{manifest}# A comment.\n"));
    assert_eq!(repo.selected(&["--base", "HEAD"]), on_common());
}
