//! What backends are made on: by which driver, with which options, and what must not lie there when nothing is at work.

use std::{
    fmt, fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::Result;

/// The place of one backend.
pub trait Ground: fmt::Debug + Send + Sync {
    /// Its driver, as in `ashlar-driver-<name>`.
    fn driver(&self) -> &'static str;

    /// The options of the backend, as lines of TOML.
    fn options(&self) -> String;

    /// What lies there that no volume and no snapshot accounts for, asked of the place itself and not of the driver.
    ///
    /// # Errors
    /// It cannot be asked.
    fn left_over(&self) -> Result<Vec<String>>;
}

/// A directory of the local driver.
#[derive(Clone, Debug)]
pub struct Directory {
    /// Where its volumes are.
    pub path: PathBuf,
    /// More of its options, as TOML.
    pub more: String,
}

impl Ground for Directory {
    fn driver(&self) -> &'static str {
        "local"
    }

    fn options(&self) -> String {
        format!("path = {:?}\n{}", self.path, self.more)
    }

    /// What the driver makes things in, and where its exports are.
    fn left_over(&self) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for folder in ["tmp", "attachments"] {
            found.extend(names(&self.path.join(folder))?.into_iter().map(|name| format!("{folder}/{name}")));
        }
        Ok(found)
    }
}

fn names(directory: &Path) -> Result<Vec<String>> {
    match fs::read_dir(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        entries => Ok(entries?.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()),
    }
}
