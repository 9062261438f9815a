//! The settings that LVM works with when Ashlar asks: the machine's own, and ours after them.
//!
//! The LVM shell takes no `--config` when it starts, and not all settings per command; but it reads `lvm.conf` from the
//! directory that `LVM_SYSTEM_DIR` names. So there is one of ours, which is made anew at each open. All but `lvm.conf`
//! are links to what is in `/etc/lvm`, so that backups of metadata, the file of devices and the machine's local
//! settings are the same for people and for Ashlar.

use std::{
    collections::BTreeSet,
    fmt::Write,
    fs, io,
    os::unix::fs::{DirBuilderExt, symlink},
    path::{Path, PathBuf},
};

use super::report::{LV_FIELDS, VG_FIELDS};
use crate::error::Error;

/// Where LVM keeps its settings on this machine.
const MACHINE: &str = "/etc/lvm";

/// What every command is to do, whatever the machine's settings say. In `lvm.conf` a later value replaces an earlier one.
const OURS: &str = r#"
# What Ashlar adds. Made anew when its host starts: changes here do not last.
report/output_format="json"
report/binary_values_as_numeric=1
report/compact_output=0
report/mark_hidden_devices=1
global/units="b"
global/suffix=0
global/use_lvmpolld=0
# Each answer ends with what became of the command. The last row must be one that is selected: LVM writes a comma
# behind the others, and a report that ends in one is no JSON.
log/report_command_log=1
log/command_log_sort="log_seq_num"
log/command_log_selection="log_context=shell || log_type=error || log_type=warn"
log/command_log_cols="log_type,log_context,log_object_type,log_object_name,log_message,log_errno,log_ret_code"
# A copy of the metadata for each change of thirty days would fill the disk. The newest is still kept.
backup/archive=0
# What LVM touches and locks before it suspends a device, in KiB, for the case that the machine swaps to that device.
# No command needs the usual 8 MiB, and to touch them takes longer than all else that most commands do.
activation/reserved_memory=1024
# Hints are of use for a host with a thousand devices. Here only some are looked at, and commands of people, which look
# at others, would make them anew each time.
devices/hints="none"
"#;

/// Which devices LVM looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Devices {
    /// What the machine's settings say, but no device that is handed to clients: they may write there what looks like
    /// a physical volume.
    Machine,
    /// These and no other.
    These(Vec<String>),
}

/// What is asked of LVM besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extras {
    /// Whether the room of removed volumes is discarded on the device below.
    pub issue_discards: bool,
    /// Whether `dmeventd` watches thin pools and snapshots, and extends them.
    pub monitoring: Option<AutoExtend>,
}

/// When and how much a thin pool grows by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AutoExtend {
    /// Percent in use above which it grows.
    pub threshold: u8,
    /// By how many percent of its size.
    pub percent: u8,
}

/// Makes the directory for `LVM_SYSTEM_DIR`. Blocks for some system calls.
pub(super) fn write(directory: &Path, devices: &Devices, extras: Extras) -> Result<(), Error> {
    write_from(Path::new(MACHINE), directory, devices, extras)
        .map_err(|source| Error::io(format!("write LVM's settings to {}", directory.display()), source))
}

fn write_from(machine: &Path, directory: &Path, devices: &Devices, extras: Extras) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    for entry in fs::read_dir(machine).into_iter().flatten() {
        let entry = entry?;
        if entry.file_name() == "lvm.conf" {
            continue;
        }
        match symlink(entry.path(), directory.join(entry.file_name())) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    let standing = match fs::read_to_string(machine.join("lvm.conf")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        read => read?,
    };
    let (text, target) = (text(&standing, devices, extras), directory.join("lvm.conf"));
    if fs::read_to_string(&target).is_ok_and(|written| written == text) {
        return Ok(());
    }
    // Another process may look at the same time, and a shell may be about to read it.
    let staged = directory.join(format!("lvm.conf.{}", std::process::id()));
    fs::write(&staged, text)?;
    fs::rename(staged, target)
}

fn text(standing: &str, devices: &Devices, extras: Extras) -> String {
    let mut text = format!("{standing}\n{OURS}");
    let mut line = |words: std::fmt::Arguments<'_>| {
        let _never_fails = writeln!(text, "{words}");
    };
    // The columns of reports that do not name theirs: LVM's shell reads a command byte by byte, a system call for each.
    line(format_args!("report/lvs_cols=\"{LV_FIELDS}\""));
    line(format_args!("report/vgs_cols=\"{VG_FIELDS}\""));
    line(format_args!("devices/issue_discards={}", u8::from(extras.issue_discards)));
    line(format_args!("activation/monitoring={}", u8::from(extras.monitoring.is_some())));
    if let Some(AutoExtend { threshold, percent }) = extras.monitoring {
        line(format_args!("activation/thin_pool_autoextend_threshold={threshold}"));
        line(format_args!("activation/thin_pool_autoextend_percent={percent}"));
    }
    match devices {
        Devices::Machine => {
            // Two filters stand in a row; the machine's own is not to be lost.
            let set = standing.lines().any(|line| line.trim_start().starts_with("filter"));
            if !set {
                line(format_args!(r#"devices/filter=[ "r|^/dev/mapper/ashlar-|" ]"#));
            }
        }
        Devices::These(paths) => {
            let accepted: Vec<_> = paths.iter().filter_map(|path| pattern(path)).collect();
            line(format_args!(r#"devices/global_filter=[ {}"r|.*|" ]"#, accepted.concat()));
            // Every command goes through all that is in there: often a few of hundreds of nodes.
            let folders: BTreeSet<_> = paths.iter().filter_map(|path| Some(path.rsplit_once('/')?.0)).collect();
            if folders.iter().all(|folder| pattern(folder).is_some()) {
                let folders: Vec<_> = folders.iter().map(|folder| format!("\"{folder}\"")).collect();
                line(format_args!("devices/scan=[ {} ]", folders.join(", ")));
            }
        }
    }
    text
}

/// The filter's line for one device; `None` for a path that no device has.
fn pattern(path: &str) -> Option<String> {
    let mut pattern = String::from("\"a|^");
    for c in path.chars() {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '/' | '_' | '-' => pattern.push(c),
            '.' | '+' | ':' | '=' | ',' | '@' | '#' | '%' => pattern.extend(['[', c, ']']),
            _ => return None,
        }
    }
    pattern.push_str("$|\", ");
    path.starts_with('/').then_some(pattern)
}

/// The directory for one use of LVM below the driver's own.
pub(super) fn directory(state: &Path, use_: &str) -> PathBuf {
    state.join(format!("lvm-{use_}"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{AutoExtend, Devices, Extras, text, write_from};

    const PLAIN: Extras = Extras { issue_discards: false, monitoring: None };

    #[test]
    fn only_the_devices_of_the_group_are_looked_at() {
        let devices = Devices::These(vec!["/dev/loop0".to_owned(), "/dev/mapper/a.b".to_owned()]);
        let text = text("", &devices, PLAIN);
        assert!(
            text.contains(r#"devices/global_filter=[ "a|^/dev/loop0$|", "a|^/dev/mapper/a[.]b$|", "r|.*|" ]"#),
            "{text}"
        );
    }

    #[test]
    fn a_path_that_would_end_the_pattern_is_left_out() {
        let devices = Devices::These(vec!["/dev/a|\", \"a|.*".to_owned(), "[unknown]".to_owned()]);
        assert!(text("", &devices, PLAIN).contains(r#"devices/global_filter=[ "r|.*|" ]"#));
    }

    #[test]
    fn the_filter_of_the_machine_stays() {
        let standing = "devices {\n\tfilter = [ \"a|/dev/sdb|\", \"r|.*|\" ]\n}\n";
        let text = text(standing, &Devices::Machine, PLAIN);
        assert!(text.starts_with(standing) && !text.contains("ashlar-|"), "{text}");
    }

    #[test]
    fn pools_grow_by_themselves_only_where_that_is_asked_for() {
        assert!(text("", &Devices::Machine, PLAIN).contains("activation/monitoring=0"));
        let extras = Extras { monitoring: Some(AutoExtend { threshold: 80, percent: 20 }), ..PLAIN };
        let text = text("", &Devices::Machine, extras);
        assert!(text.contains("monitoring=1") && text.contains("autoextend_threshold=80"), "{text}");
    }

    #[test]
    fn all_but_the_settings_is_the_machines() {
        let scratch = tempfile::tempdir().expect("a directory");
        let (machine, ours) = (scratch.path().join("machine"), scratch.path().join("ours"));
        fs::create_dir(&machine).expect("made");
        for name in ["lvm.conf", "lvmlocal.conf"] {
            fs::write(machine.join(name), "devices/dir=\"/dev\"\n").expect("written");
        }
        for _twice in 0..2 {
            write_from(&machine, &ours, &Devices::Machine, PLAIN).expect("written");
        }
        assert_eq!(fs::read_link(ours.join("lvmlocal.conf")).expect("a link"), machine.join("lvmlocal.conf"));
        let written = fs::read_to_string(ours.join("lvm.conf")).expect("there");
        assert!(written.starts_with("devices/dir=\"/dev\"\n") && written.contains("output_format=\"json\""));
    }
}
