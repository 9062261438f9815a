//! What kind of process one is, from the programs it and those above it executed.

use std::path::{Path, PathBuf};

use super::By;

/// What a process is to the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Cargo, nextest or rustup, with nothing but scripts above.
    Cargo,
    /// Another program above cargo: what it reads is input, what it starts may be cargo.
    Script,
    /// A compiler, a build script, or below one.
    Build,
    /// A test program, or below one.
    Run,
}

impl Role {
    /// How its touches count.
    pub(super) fn by(self) -> By {
        match self {
            Self::Cargo => By::Cargo,
            Self::Build => By::Build,
            Self::Script | Self::Run => By::Run,
        }
    }

    /// What it becomes by executing `program`; `targets` are the names of the folder that cargo builds in.
    pub(super) fn executing(self, program: &Path, targets: &[PathBuf]) -> Self {
        if matches!(self, Self::Build | Self::Run) {
            return self;
        }
        let name = program.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        if targets.iter().any(|target| program.starts_with(target)) {
            return if name.starts_with("build-script-") { Self::Build } else { Self::Run };
        }
        match &*name {
            "cargo" | "cargo-nextest" | "rustup" | "setpriv" => Self::Cargo,
            "rustc" | "rustdoc" | "clippy-driver" => Self::Build,
            _ => Self::Script,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::Role;

    /// The role at the end of a chain of programs.
    fn check(chain: &[&str], expected: Role) {
        let targets = [PathBuf::from("/w/target")];
        let role = chain.iter().fold(Role::Cargo, |role, program| role.executing(Path::new(program), &targets));
        assert_eq!(role, expected, "{chain:?}");
    }

    #[test]
    fn tests_are_what_is_executed_where_cargo_builds() {
        check(&["/c/bin/cargo", "/c/bin/cargo-nextest", "/w/target/debug/deps/it-0123"], Role::Run);
        check(&["/bin/sh", "/c/bin/cargo", "/w/target/debug/deps/it-0123"], Role::Run);
        check(&["/c/bin/cargo", "/w/target-of-another/x"], Role::Script);
    }

    #[test]
    fn what_builds_builds_and_all_below_it() {
        check(&["/c/bin/cargo", "/c/bin/rustc"], Role::Build);
        check(&["/c/bin/cargo", "/c/bin/rustc", "/usr/bin/cc", "/usr/bin/ld"], Role::Build);
        check(&["/c/bin/cargo", "/w/target/debug/build/a-01/build-script-build", "/usr/bin/git"], Role::Build);
        check(&["/c/bin/cargo", "/usr/bin/a-wrapper", "/c/bin/rustc"], Role::Build);
    }

    #[test]
    fn a_cargo_that_a_test_starts_is_part_of_the_test() {
        check(&["/c/bin/cargo", "/w/target/debug/deps/it-0123", "/c/bin/cargo", "/c/bin/rustc"], Role::Run);
    }

    #[test]
    fn a_script_above_cargo_reads_inputs_and_its_cargo_is_cargo() {
        check(&["/bin/sh"], Role::Script);
        check(&["/w/ci/job.sh", "/usr/bin/make", "/c/bin/cargo"], Role::Cargo);
    }
}
