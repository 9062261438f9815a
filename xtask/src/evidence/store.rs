//! Where records are kept: `JOB/ID.json`, where ID is the SHA-256 of the file.
//!
//! A name tells the contents, so that stores are merged by copying files, and two writers cannot disagree about one. A
//! file is written whole or not at all. Nothing in a store is believed that is not what it says: it comes from other
//! machines.

use std::{
    collections::BTreeMap,
    fs::{File, Metadata, Permissions},
    io::{ErrorKind, Read, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};

use super::record::{Record, hexadecimal};

/// Where records are kept if nobody says otherwise, below the target folder.
pub const DEFAULT: &str = "affected/records";
/// How many records of a job are kept if nobody says otherwise.
pub const KEPT: usize = 8;
/// Records of more bytes are neither written nor read. Ours have some hundred paths, of about 80 bytes each.
const LARGEST: u64 = 16 << 20;
/// Of more names than this in one folder, the rest is left out.
const MOST_NAMES: usize = 10_000;
/// A file that is being written has a name that begins so; after an hour nobody writes it any more.
const UNFINISHED: &str = ".writing-";
/// Whoever collects them need not be who wrote them.
const READABLE: u32 = 0o644;
const ABANDONED: Duration = Duration::from_secs(3600);

/// A folder of records.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
}

/// All of a store that can be believed.
#[derive(Debug, Default)]
pub struct Contents {
    /// For each job its records, the newest first.
    pub jobs: BTreeMap<String, Vec<Kept>>,
    /// A line for each file that was left out, and why.
    pub warnings: Vec<String>,
}

/// A record in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The SHA-256 of its file, and its name.
    pub id: String,
    /// What it says.
    pub record: Record,
}

/// What came of merging a store into another.
#[derive(Debug, Default)]
pub struct Merged {
    /// How many records were not there before.
    pub new: usize,
    /// How many were.
    pub known: usize,
    /// A line for each file that was left out, and why.
    pub warnings: Vec<String>,
}

impl Store {
    /// The store in that folder. It need not be there: then it is empty.
    #[must_use]
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Where it is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Adds a record and gives its id.
    ///
    /// # Errors
    /// It is too large, has a job that is no name, or cannot be written.
    pub fn add(&self, record: &Record) -> Result<String> {
        let text = serde_json::to_string(record).context("a record cannot be written as JSON")?;
        self.add_text(&record.job, text.as_bytes()).map(|(id, _)| id)
    }

    /// The id of the contents, and whether they were new.
    fn add_text(&self, job: &str, text: &[u8]) -> Result<(String, bool)> {
        ensure!(is_job_name(job), "`{job}` is no name of a job");
        ensure!(text.len() as u64 <= LARGEST, "the record of {job} has more than {} MiB", LARGEST >> 20);
        let folder = self.folder.join(job);
        let write = || -> std::io::Result<(String, bool)> {
            std::fs::create_dir_all(&folder)?;
            if !std::fs::symlink_metadata(&folder)?.is_dir() {
                return Err(ErrorKind::NotADirectory.into()); // a link would lead out of the store
            }
            let id = hexadecimal(&Sha256::digest(text));
            let file = folder.join(format!("{id}.json"));
            let known = std::fs::symlink_metadata(&file).is_ok_and(|metadata| metadata.is_file())
                && std::fs::read(&file).is_ok_and(|there| there == text);
            if known {
                return Ok((id, false));
            }
            let mut unfinished = tempfile::Builder::new()
                .prefix(UNFINISHED)
                .permissions(Permissions::from_mode(READABLE))
                .tempfile_in(&folder)?;
            unfinished.write_all(text)?;
            unfinished.as_file().sync_all()?;
            unfinished.persist(&file)?;
            File::open(&folder)?.sync_all()?;
            Ok((id, true))
        };
        write().with_context(|| format!("cannot write to {}", folder.display()))
    }

    /// Reads all records, or those of one job.
    ///
    /// # Errors
    /// The folder is there and cannot be read.
    pub fn read(&self, job: Option<&str>) -> Result<Contents> {
        let mut contents = Contents::default();
        for (name, metadata) in entries(&self.folder, &mut contents.warnings)? {
            if job.is_some_and(|job| job != name) {
                continue;
            }
            let folder = self.folder.join(&name);
            if !metadata.is_dir() || !is_job_name(&name) {
                contents.warn(&folder, "it is no folder of a job");
                continue;
            }
            for (file, metadata) in entries(&folder, &mut contents.warnings)? {
                if file.starts_with(UNFINISHED) {
                    continue;
                }
                let path = folder.join(&file);
                match checked(&path, &file, &name, &metadata) {
                    Ok(Some(kept)) => contents.jobs.entry(name.clone()).or_default().push(kept),
                    Ok(None) => {}
                    Err(error) => contents.warn(&path, &format!("{error:#}")),
                }
            }
        }
        for kept in contents.jobs.values_mut() {
            kept.sort_by(|a, b| (b.record.ended, &b.id).cmp(&(a.record.ended, &a.id)));
        }
        Ok(contents)
    }

    /// Copies all records of another store into this one.
    ///
    /// # Errors
    /// The other is not there or cannot be read, or this one cannot be written.
    pub fn merge(&self, other: &Self) -> Result<Merged> {
        ensure!(other.folder.is_dir(), "{} is no folder", other.folder.display());
        let contents = other.read(None)?;
        let mut merged = Merged { warnings: contents.warnings, ..Merged::default() };
        for (job, kept) in &contents.jobs {
            for kept in kept {
                // The file itself, and not the record written anew: its name is the digest of these bytes.
                let text = std::fs::read(other.folder.join(job).join(format!("{}.json", kept.id)))?;
                match self.add_text(job, &text)? {
                    (_, true) => merged.new += 1,
                    (_, false) => merged.known += 1,
                }
            }
        }
        Ok(merged)
    }

    /// Removes all records but the newest `keep` of each job, and what others left unfinished; how many went. The newest
    /// that passed stays also if newer ones did not.
    ///
    /// # Errors
    /// The folder cannot be read, or a file cannot be removed.
    pub fn prune(&self, keep: usize) -> Result<usize> {
        let mut removed = 0;
        for (job, kept) in self.read(None)?.jobs {
            let newest_passed = kept.iter().position(|kept| kept.record.passed);
            for (index, kept) in kept.iter().enumerate().skip(keep.max(1)) {
                if Some(index) != newest_passed {
                    removed += usize::from(remove(&self.folder.join(&job).join(format!("{}.json", kept.id)))?);
                }
            }
            let mut warned_before = Vec::new();
            for (file, metadata) in entries(&self.folder.join(&job), &mut warned_before)? {
                let age = metadata.modified().ok().and_then(|then| SystemTime::now().duration_since(then).ok());
                if file.starts_with(UNFINISHED) && age.is_some_and(|age| age > ABANDONED) {
                    remove(&self.folder.join(&job).join(file))?;
                }
            }
        }
        Ok(removed)
    }
}

impl Contents {
    fn warn(&mut self, path: &Path, why: &str) {
        self.warnings.push(format!("{} is left out: {why}", path.display()));
    }
}

/// Names are made by people and become folders.
fn is_job_name(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !name.is_empty() && name.len() <= 200 && name.bytes().all(is_letter)
}

/// The names in a folder, in order, each with what it is; links are not followed. Empty where there is no folder.
fn entries(folder: &Path, warnings: &mut Vec<String>) -> Result<Vec<(String, Metadata)>> {
    let read = match std::fs::read_dir(folder) {
        Ok(read) => read,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", folder.display())),
    };
    let mut found = Vec::new();
    for entry in read {
        let entry = entry.with_context(|| format!("cannot read {}", folder.display()))?;
        if found.len() == MOST_NAMES {
            warnings.push(format!("{} holds more than {MOST_NAMES} names; the rest is left out", folder.display()));
            break;
        }
        // Somebody may be removing it.
        let Ok(metadata) = entry.metadata() else { continue };
        match entry.file_name().into_string() {
            Ok(name) => found.push((name, metadata)),
            Err(name) => warnings.push(format!("{} is left out: it is no UTF-8", folder.join(name).display())),
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

/// Reads a file and holds it to its name; nothing where it went meanwhile.
fn checked(path: &Path, name: &str, job: &str, metadata: &Metadata) -> Result<Option<Kept>> {
    let id = name.strip_suffix(".json").context("it is no record by its name")?;
    ensure!(metadata.is_file(), "it is no file");
    ensure!(metadata.len() <= LARGEST, "it has more than {} MiB", LARGEST >> 20);
    let mut bytes = Vec::new();
    match File::open(path).and_then(|file| file.take(LARGEST).read_to_end(&mut bytes)) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => bail!("it cannot be read: {error}"),
    }
    ensure!(hexadecimal(&Sha256::digest(&bytes)) == id, "its contents are not what its name says");
    let record = Record::parse(std::str::from_utf8(&bytes).context("it is no text")?)?;
    ensure!(record.job == job, "it is a record of {}", record.job);
    Ok(Some(Kept { id: id.to_owned(), record }))
}

/// Whether it was there.
fn remove(path: &Path) -> Result<bool> {
    match std::fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| format!("cannot remove {}", path.display())),
    }
}

#[cfg(test)]
mod tests;
