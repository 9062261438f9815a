//! open-iscsi's records of targets, and how a secret gets into one without anybody seeing it.
//!
//! `iscsiadm --op update --name node.session.auth.password --value SECRET` is what manuals say, and every user of the
//! machine can read arguments while it runs. It reads secrets from nowhere else but the record's file. So `iscsiadm
//! --op new` makes the record, with the settings of this host's `iscsid.conf`, and the file is then written anew with
//! ours: as a whole, under another name and then renamed, readable by root alone.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use super::told::{Chap, Route};
use crate::connector::{
    connectors::Machine,
    error::{Doing, Error},
};

/// What a record must say, besides what the host's `iscsid.conf` does.
pub(super) fn settings(chap: Option<&Chap>, patience: Duration) -> Vec<(&'static str, String)> {
    let mut settings = vec![
        // After a reboot it is for whoever attached to do so again: a device that nobody asked for may be one of a
        // volume that is used elsewhere by then.
        ("node.startup", "manual".to_owned()),
        ("node.session.scan", "manual".to_owned()),
        ("node.session.timeo.replacement_timeout", patience.as_secs().max(1).to_string()),
        // iscsid goes on behind an iscsiadm that was stopped, and logs in with the secret of then. So it tries once: a
        // target that has no such name is told of at once, a portal where nobody listens after 3 s, one that is silent
        // after this. With its own settings it takes two minutes, before any other portal is tried.
        ("node.conn[0].timeo.login_timeout", "10".to_owned()),
        ("node.session.initial_login_retry_max", "0".to_owned()),
    ];
    if let Some(chap) = chap {
        settings.push(("node.session.auth.authmethod", "CHAP".to_owned()));
        settings.push(("node.session.auth.username", chap.username.clone()));
        settings.push(("node.session.auth.password", chap.password.clone()));
    }
    settings
}

/// The text of a record with these settings, in the place of those it has.
pub(super) fn amended(text: &str, settings: &[(&'static str, String)]) -> String {
    let name = |line: &str| line.split('=').next().map(str::trim).unwrap_or_default().to_owned();
    let kept = text.lines().filter(|line| !settings.iter().any(|(key, _)| name(line) == *key));
    let (mut lines, mut end): (Vec<String>, Option<String>) = (Vec::new(), None);
    for line in kept {
        if line.starts_with("# END RECORD") { end = Some(line.to_owned()) } else { lines.push(line.to_owned()) }
    }
    lines.extend(settings.iter().map(|(key, value)| format!("{key} = {value}")));
    lines.extend(end);
    lines.join("\n") + "\n"
}

/// One that `iscsiadm` would log in by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Record {
    file: PathBuf,
    /// The folder of its target.
    target: PathBuf,
}

/// The records for this route. Those without a group's tag are files `IP,PORT`, others `IP,PORT,TAG/INTERFACE`.
pub(super) fn find(machine: &Machine, route: &Route) -> Result<Vec<Record>, Error> {
    let portal = format!("{},{}", route.portal.ip(), route.portal.port());
    let mut found = Vec::new();
    for root in &machine.records {
        let target = root.join(&route.iqn);
        for entry in list(&target)? {
            let name = entry.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if name != portal && name.strip_prefix(&portal).is_none_or(|rest| !rest.starts_with(',')) {
                continue;
            }
            let files = if entry.is_dir() { list(&entry)? } else { vec![entry] };
            found.extend(files.into_iter().map(|file| Record { file, target: target.clone() }));
        }
    }
    found.sort();
    Ok(found)
}

impl Record {
    /// Gives it these settings. Nothing is written where it has them.
    pub(super) fn settle(&self, settings: &[(&'static str, String)]) -> Result<(), Error> {
        let file = &self.file;
        let old = fs::read_to_string(file).doing("read", file)?;
        let new = amended(&old, settings);
        let mode = fs::metadata(file).doing("look at", file)?.permissions().mode();
        if new == old && mode & 0o077 == 0 {
            return Ok(());
        }
        let staged = self.staged();
        // One that a crash left: its mode is not ours to trust.
        unlink(&staged)?;
        let out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&staged);
        let mut out = out.doing("create", &staged)?;
        let written = out.write_all(new.as_bytes()).and_then(|()| out.sync_all());
        let written = written.and_then(|()| fs::rename(&staged, file));
        if written.is_err() {
            unlink(&staged)?;
        }
        written.doing("write", file)
    }

    /// Where it is written before it gets its name: on the same file system, by a name without a comma, which
    /// iscsiadm does not take for a record.
    fn staged(&self) -> PathBuf {
        let below = self.file.strip_prefix(&self.target).unwrap_or(&self.file);
        let plain = below.to_string_lossy().replace(['/', ','], "-");
        self.target.join(format!(".ashlar-{plain}"))
    }
}

/// Removes the records of a route, and folders that this leaves empty. `iscsiadm --op delete` would refuse while there
/// is a session, such as one whose target is gone and that cannot be ended yet; the secret should go all the same.
pub(super) fn remove(machine: &Machine, route: &Route) -> Result<(), Error> {
    for record in find(machine, route)? {
        unlink(&record.staged())?;
        unlink(&record.file)?;
        let emptied = record.file.ancestors().skip(1).take_while(|folder| folder.starts_with(&record.target));
        for folder in emptied {
            // One that is not empty stays.
            let _ = fs::remove_dir(folder);
        }
    }
    Ok(())
}

fn unlink(file: &Path) -> Result<(), Error> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).doing("remove", file),
        _ => Ok(()),
    }
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry.doing("list", folder)?.path())).collect(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).doing("list", folder),
    }
}

#[cfg(test)]
mod tests;
