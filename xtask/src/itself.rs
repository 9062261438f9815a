//! Where this program is, to start it again.

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// What Linux adds to the path of a program whose file was removed since it was started.
const REMOVED: &[u8] = b" (deleted)";

/// The path of this program.
///
/// `cargo xtask test` builds all packages together, and so cargo puts another file in the place of this one while it
/// runs: the place is what to go by.
///
/// # Errors
/// The system does not tell.
pub fn path() -> Result<PathBuf> {
    Ok(place(std::env::current_exe().context("cannot tell which program this is")?))
}

fn place(told: PathBuf) -> PathBuf {
    let bytes = told.as_os_str().as_bytes();
    match bytes.strip_suffix(REMOVED) {
        Some(place) if !told.exists() => Path::new(OsStr::from_bytes(place)).to_owned(),
        Some(_) | None => told,
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::place;

    #[test]
    fn a_program_that_was_built_anew_is_found_in_its_place() {
        assert_eq!(place("/t/debug/xtask (deleted)".into()), Path::new("/t/debug/xtask"));
        assert_eq!(place("/t/debug/xtask".into()), Path::new("/t/debug/xtask"));
    }

    #[test]
    fn a_program_of_such_a_name_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let odd = folder.path().join("odd (deleted)");
        fs::write(&odd, "").unwrap();
        assert_eq!(place(odd.clone()), odd);
    }
}
