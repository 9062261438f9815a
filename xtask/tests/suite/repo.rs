//! A cargo workspace of Ashlar's shape in a git repository of its own, with `main` and a branch checked out.

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be made is a failed test")]

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    os::unix::{ffi::OsStrExt, fs::symlink},
    path::{Path, PathBuf},
    process::Output,
};

use tempfile::TempDir;
use xshell::{Shell, cmd};

const JOBS: &str = r#"
default-gate = "driver-local"

[[package-job]]
packages = "driver-*"
name = "driver-{}"

[[job]]
name = "common"
packages = ["common"]

[[job]]
name = "file-volumes"
packages = ["file-volumes"]

[[job]]
name = "tool"
packages = ["tool"]

[[rule]]
paths = ["README.md", "docs/**"]
jobs = "none"
why = "prose"

[[rule]]
paths = ["ci/**", ".cargo/**"]
jobs = "all"
why = "governs every build"
"#;

/// Folder, name, dependencies (folders).
const PACKAGES: [(&str, &str, &[&str]); 7] = [
    ("common", "common", &[]),
    ("drivers/file-volumes", "file-volumes", &["common"]),
    ("drivers/local", "driver-local", &["common", "drivers/file-volumes"]),
    ("drivers/nfs", "driver-nfs", &["common", "drivers/file-volumes"]),
    ("drivers/lvm", "driver-lvm", &["common"]),
    ("drivers/ceph-rbd", "driver-ceph-rbd", &["common"]),
    ("tool", "tool", &[]),
];

pub(crate) const EVERY_JOB: [&str; 7] =
    ["common", "file-volumes", "tool", "driver-ceph-rbd", "driver-local", "driver-lvm", "driver-nfs"];

pub(crate) struct Repo {
    folder: TempDir,
    pub(crate) shell: Shell,
}

impl Repo {
    /// Everything is committed on `main`; `work` is checked out.
    pub(crate) fn new() -> Self {
        let repo = Self::empty();
        repo.write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"common\", \"drivers/*\", \"tool\"]\n");
        repo.write(".gitignore", "/target\n");
        repo.write("README.md", "Read me.\n");
        repo.write("ci/jobs.toml", JOBS);
        for (folder, name, dependencies) in PACKAGES {
            let up = "../".repeat(folder.split('/').count());
            let dependencies: String = dependencies
                .iter()
                .map(|folder| {
                    let (_, name, _) = PACKAGES.iter().find(|package| package.0 == *folder).unwrap();
                    format!("{name} = {{ path = \"{up}{folder}\" }}\n")
                })
                .collect();
            let manifest = format!("[package]\nname = \"{name}\"\nedition = \"2024\"\n[dependencies]\n{dependencies}");
            repo.write(&format!("{folder}/Cargo.toml"), &manifest);
            repo.write(&format!("{folder}/src/lib.rs"), "//! Nothing.\n");
            repo.write(&format!("{folder}/tests/it.rs"), "//! Nothing.\n");
        }
        let shell = &repo.shell;
        cmd!(shell, "cargo generate-lockfile --offline --quiet").quiet().run().unwrap();
        repo.git(&["init", "--quiet", "-b", "main"]);
        repo.commit();
        repo.git(&["switch", "--quiet", "-c", "work"]);
        repo
    }

    /// An empty folder.
    pub(crate) fn empty() -> Self {
        let folder = TempDir::new().unwrap();
        let shell = Shell::new().unwrap();
        shell.change_dir(folder.path());
        shell.set_var("GIT_CONFIG_NOSYSTEM", "1");
        shell.set_var("GIT_CONFIG_GLOBAL", "/dev/null");
        // Where whoever runs the tests builds is no place for these repositories.
        for elsewhere in ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"] {
            if shell.var(elsewhere).is_ok() {
                shell.set_var(elsewhere, folder.path().join("target"));
            }
        }
        Self { folder, shell }
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        self.write_bytes(name.as_bytes(), text);
    }

    pub(crate) fn write_bytes(&self, name: &[u8], text: &str) {
        let path = self.path(OsStr::from_bytes(name));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn link(&self, at: &str, text: &str) {
        symlink(text, self.path(at)).unwrap();
    }

    pub(crate) fn git(&self, arguments: &[&str]) {
        let shell = &self.shell;
        let who = ["-c", "user.name=Test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"];
        cmd!(shell, "git {who...} {arguments...}").quiet().ignore_stdout().run().unwrap();
    }

    /// A plumbing command that reads `input`; what it prints.
    pub(crate) fn git_with(&self, command: &str, input: &str) -> String {
        let shell = &self.shell;
        let words = command.split(' ');
        cmd!(shell, "git").args(words).stdin(input).quiet().read().unwrap()
    }

    /// Brings the lock file up to date.
    pub(crate) fn lock(&self) {
        let shell = &self.shell;
        cmd!(shell, "cargo metadata --format-version 1 --offline --quiet").quiet().ignore_stdout().run().unwrap();
    }

    pub(crate) fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "A commit."]);
    }

    pub(crate) fn affected(&self, arguments: &[&str]) -> Output {
        self.xtask("affected-tests", arguments)
    }

    pub(crate) fn xtask(&self, command: &str, arguments: &[&str]) -> Output {
        let shell = &self.shell;
        let program = env!("CARGO_BIN_EXE_xtask");
        cmd!(shell, "{program} {command} {arguments...}").quiet().ignore_status().output().unwrap()
    }

    pub(crate) fn plan(&self, arguments: &[&str]) -> serde_json::Value {
        let output = self.affected(&[&["--format", "json"], arguments].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The names of the jobs that run.
    pub(crate) fn selected(&self, arguments: &[&str]) -> BTreeSet<String> {
        let plan = self.plan(arguments);
        let jobs = plan["jobs"].as_array().unwrap().iter().filter(|job| job["state"] == "run");
        jobs.map(|job| job["name"].as_str().unwrap().to_owned()).collect()
    }
}
