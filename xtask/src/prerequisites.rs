//! What a machine needs beside Rust, and why: the one table. What is missing is installed, and named.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use ashlar_lab::{
    machine,
    postgres::{Install, PACKAGE as POSTGRES},
};
use xshell::{Cmd, Shell, cmd};

use crate::step::Steps;

/// A package of Debian 12, known to be there by a program that it brings.
struct Debian {
    package: &'static str,
    program: &'static str,
    why: &'static str,
}

const DEBIAN: &[Debian] = &[
    Debian { package: "gcc", program: "cc", why: "links, and compiles the embedded SQLite" },
    Debian { package: "git", program: "git", why: "tells affected-tests what changed" },
    Debian { package: "qemu-utils", program: "qemu-img", why: "converts and checks images" },
    Debian { package: "xfsprogs", program: "mkfs.xfs", why: "a file system with reflinks, for tests" },
    Debian { package: "btrfs-progs", program: "mkfs.btrfs", why: "another file system with reflinks, for tests" },
    Debian { package: "e2fsprogs", program: "mkfs.ext4", why: "a file system without reflinks, for tests" },
    Debian { package: "mount", program: "losetup", why: "makes block devices of files, for tests" },
    Debian { package: "strace", program: "strace", why: "sees what a job reads, for its evidence" },
    Debian { package: "python3", program: "python3", why: "runs the OpenStack clients" },
];

/// Python finds its own modules, so this one is asked for, not looked up.
const PYTHON_VENV: &str = "python3-venv";

const WHY_POSTGRES: &str = "the other database, for tests; a lab raises it";
const WHY_LVM: &str =
    "LVM2 and iSCSI for tests, and a kernel for them where the host's has no device-mapper; a lab raises them";
/// Runs its arguments while Debian's package would make no server of its own on being installed, and start it: nobody
/// asked for one.
const WITHOUT_A_SERVER: &str = "\
folder=/etc/postgresql-common/createcluster.d; own=$folder/ashlar-lab.conf
mkdir -p $folder && echo 'create_main_cluster = false' > $own || exit 1
\"$@\"; status=$?
rm -f $own; rmdir $folder 2>/dev/null
exit $status";

/// A cargo subcommand, known by its program; built without optimisation, since it runs for seconds.
struct CargoTool {
    package: &'static str,
    version: &'static str,
    why: &'static str,
}

const CARGO_TOOLS: &[CargoTool] = &[
    CargoTool { package: "cargo-nextest", version: "0.9.143", why: "runs the tests" },
    CargoTool { package: "cargo-deny", version: "0.20.2", why: "checks licences and sources of dependencies" },
];

/// Fresh machines update themselves in the background, and hold apt's lock while they do, for so many seconds.
const WAIT_FOR_LOCK: &str = "--option=DPkg::Lock::Timeout=300";
const TRIES: u32 = 3;
const APT_LIMIT: Duration = Duration::from_secs(900);
const BUILD_LIMIT: Duration = Duration::from_secs(1800);
const SYSTEM_PROGRAMS: &str = "/usr/local/sbin:/usr/sbin:/sbin";

/// Installs what is missing, each thing with its reason in the output.
///
/// # Errors
/// Something is missing and cannot be installed: no Debian, no root, or the installation failed three times.
pub fn provide(steps: &Steps, shell: &Shell) -> Result<()> {
    let path = format!("{}:{SYSTEM_PROGRAMS}", shell.var("PATH").unwrap_or_default());
    shell.set_var("PATH", &path); // mkfs and losetup live where only root looks
    let missing = absent(shell, &path);
    debian(steps, shell, &path, &missing)?;
    let still = absent(shell, &path);
    let still: Vec<&str> = still.iter().map(|(package, _)| *package).collect();
    ensure!(still.is_empty(), "installed, but without the programs that were looked for: {}", still.join(", "));
    rust_components(steps, shell)?;
    for tool in CARGO_TOOLS {
        // Cargo also finds subcommands that are not on the PATH.
        let subcommand = tool.package.trim_start_matches("cargo-");
        if cmd!(shell, "cargo {subcommand} --version").quiet().ignore_status().output()?.status.success() {
            continue;
        }
        steps.note(&format!("missing {}: {}; building it", tool.package, tool.why));
        let (package, version) = (tool.package, tool.version);
        let install = || {
            let cheaply = [("OPT_LEVEL", "0"), ("LTO", "off"), ("CODEGEN_UNITS", "64"), ("DEBUG", "0")];
            let environment = cheaply.map(|(key, value)| (format!("CARGO_PROFILE_RELEASE_{key}"), value));
            cmd!(shell, "cargo install --locked {package} --version {version}").envs(environment)
        };
        must(steps, &format!("install {package}"), install, BUILD_LIMIT)?;
    }
    Ok(())
}

/// Installs PostgreSQL where it is missing, and nothing else.
///
/// # Errors
/// As [`provide`].
pub fn postgres(steps: &Steps, shell: &Shell) -> Result<()> {
    if !Install::is_here() {
        let path = format!("{}:{SYSTEM_PROGRAMS}", shell.var("PATH").unwrap_or_default());
        debian(steps, shell, &path, &[(POSTGRES, WHY_POSTGRES)])?;
    }
    let install = Install::find()?;
    steps.note(&format!("{POSTGRES}: {}", install.folder().display()));
    Ok(())
}

/// Installs what the LVM lab runs on where it is missing, and nothing else.
///
/// # Errors
/// As [`provide`].
pub fn lvm(steps: &Steps, shell: &Shell) -> Result<()> {
    let path = format!("{}:{SYSTEM_PROGRAMS}", shell.var("PATH").unwrap_or_default());
    let missing: Vec<_> = machine::missing().into_iter().map(|package| (package, WHY_LVM)).collect();
    debian(steps, shell, &path, &missing)?;
    let still = machine::missing();
    ensure!(still.is_empty(), "installed, but without the programs that were looked for: {}", still.join(", "));
    let packages: Vec<&str> = machine::PACKAGES.iter().map(|(package, _)| *package).collect();
    steps.note(&format!("the LVM lab has all it needs: {}", packages.join(", ")));
    Ok(())
}

fn debian(steps: &Steps, shell: &Shell, path: &str, missing: &[(&str, &str)]) -> Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    for (package, why) in missing {
        steps.note(&format!("missing {package}: {why}"));
    }
    let packages: Vec<&str> = missing.iter().map(|(package, _)| *package).collect();
    let by_hand = format!("apt-get install --yes {}", packages.join(" "));
    ensure!(found(path, "apt-get"), "this is no Debian: install what brings {} by hand", packages.join(", "));
    let root = cmd!(shell, "id -u").quiet().read()? == "0";
    let sudo: &[&str] = match (root, found(path, "sudo")) {
        (true, _) => &[],
        (false, true) => &["sudo", "--non-interactive"],
        (false, false) => bail!("neither root nor sudo: as root, run `{by_hand}`"),
    };
    let apt = |around: &[&'static str], arguments: &[&str]| {
        let mut words = sudo.to_vec();
        words.extend(["env", "DEBIAN_FRONTEND=noninteractive"]);
        words.extend(around);
        words.extend(["apt-get", "--quiet", "--option=Acquire::Retries=3", WAIT_FOR_LOCK]);
        words.extend(arguments);
        let program = words.remove(0);
        cmd!(shell, "{program} {words...}")
    };
    must(steps, "apt-get update", || apt(&[], &["update"]), APT_LIMIT)?;
    let arguments: Vec<&str> = ["install", "--yes", "--no-install-recommends"].into_iter().chain(packages).collect();
    let around: &[&str] = if arguments.contains(&POSTGRES) { &["sh", "-c", WITHOUT_A_SERVER, "sh"] } else { &[] };
    must(steps, "apt-get install", || apt(around, &arguments), APT_LIMIT)
        .with_context(|| format!("by hand: `{by_hand}`"))
}

/// Each package that is not here, and why it is wanted.
fn absent(shell: &Shell, path: &str) -> Vec<(&'static str, &'static str)> {
    let not_found = DEBIAN.iter().filter(|wanted| !found(path, wanted.program));
    let mut missing: Vec<_> = not_found.map(|wanted| (wanted.package, wanted.why)).collect();
    let venv = cmd!(shell, "python3 -c").arg("import ensurepip, venv").quiet().ignore_status().output();
    if !venv.is_ok_and(|output| output.status.success()) {
        missing.push((PYTHON_VENV, "holds the OpenStack clients apart from the system"));
    }
    missing.extend(machine::missing().into_iter().map(|package| (package, WHY_LVM)));
    // Its server's programs are not on the path.
    if !Install::is_here() {
        missing.push((POSTGRES, WHY_POSTGRES));
    }
    missing
}

fn rust_components(steps: &Steps, shell: &Shell) -> Result<()> {
    for (component, program) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        let here = cmd!(shell, "cargo {program} --version").quiet().ignore_status().output()?;
        if !here.status.success() {
            steps.note(&format!("missing {component}: checks the sources"));
            let add = || cmd!(shell, "rustup component add {component}");
            must(steps, &format!("install {component}"), add, APT_LIMIT)?;
        }
    }
    Ok(())
}

/// Runs a step up to three times: mirrors and registries have bad moments.
///
/// # Errors
/// It failed each time.
pub fn must<'a>(steps: &Steps, title: &str, command: impl Fn() -> Cmd<'a>, limit: Duration) -> Result<()> {
    for _ in 0..TRIES {
        if steps.run(title, command(), limit)?.success {
            return Ok(());
        }
    }
    bail!("{title} failed {TRIES} times")
}

fn found(path: &str, program: &str) -> bool {
    path.split(':').filter(|folder| !folder.is_empty()).any(|folder| Path::new(folder).join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::{DEBIAN, found};

    #[test]
    fn programs_are_found_on_the_path_only() {
        assert!(found("/nonexistent::/bin:/usr/bin", "sh"));
        assert!(!found("/nonexistent", "sh"));
        assert!(!found("", "sh"));
    }

    #[test]
    fn every_prerequisite_says_why() {
        assert!(DEBIAN.iter().all(|wanted| !wanted.why.is_empty()));
    }
}
