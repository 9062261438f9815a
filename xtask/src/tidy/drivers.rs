//! Every driver folder has the same files, so that who knows one knows all.

use super::tree::{Tree, none};

const STANDARD: [&str; 7] =
    ["Cargo.toml", "README.md", "src/config.rs", "src/driver.rs", "src/error.rs", "src/lib.rs", "src/main.rs"];

#[test]
fn every_driver_has_the_standard_files() {
    let tree = Tree::read();
    let mut offenders = Vec::new();
    for driver in tree.drivers() {
        let absent = STANDARD.into_iter().filter(|file| !tree.at(&driver.folder).join(file).is_file());
        offenders.extend(absent.map(|file| format!("{}/{file}", driver.folder)));
        let tests = format!("{}/tests/", driver.folder);
        if !tree.tracked.iter().any(|path| path.to_string().starts_with(&tests)) {
            offenders.push(tests);
        }
    }
    none(&offenders, "these files of drivers are missing");
}

#[test]
fn a_driver_s_folder_package_and_executable_have_one_name() {
    let tree = Tree::read();
    let mut offenders = Vec::new();
    for driver in tree.drivers() {
        let executable = format!("ashlar-driver-{}", driver.name);
        if driver.folder != format!("drivers/{}", driver.name) || driver.executables != [executable.as_str()] {
            offenders.push(format!("{} builds {:?}, not {executable} alone", driver.folder, driver.executables));
        }
    }
    none(&offenders, "the folder drivers/NAME holds the package ashlar-driver-NAME, which builds that executable:");
}
