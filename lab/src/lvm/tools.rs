//! LVM's and device-mapper's programs, for one group.

use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    error::{Error, Result},
    program::Program,
};

const FILL_METADATA: &str = include_str!("fill_metadata.py");
const LIMIT: Duration = Duration::from_secs(120);

/// LVM that sees one disk only, and leaves no archive of what it did.
pub(super) struct Lvm {
    folder: PathBuf,
}

impl Lvm {
    pub(super) fn for_disk(folder: &Path, disk: &Path) -> Result<Self> {
        let disk = disk.display();
        let text = format!(
            "devices {{\n global_filter = [ \"a|^{disk}$|\", \"r|.*|\" ]\n use_devicesfile = 0\n scan_lvs = 0\n}}\n\
             backup {{\n backup = 0\n archive = 0\n}}\n\
             activation {{\n monitoring = 0\n thin_pool_autoextend_threshold = 100\n}}\n"
        );
        let at = folder.join("lvm.conf");
        fs::write(&at, text).map_err(Error::io(format!("cannot write {}", at.display())))?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Runs commands in one process, whose start takes longer than any of them. What it says of failures is only text: so the
    /// caller looks at what came of it.
    pub(super) fn shell(&self, commands: &[String]) -> Result<String> {
        let program = system("lvm").variable("LVM_SYSTEM_DIR", &self.folder).variable("LVM_SUPPRESS_FD_WARNINGS", "1");
        program.input(commands.join("\n") + "\nexit\n").run(LIMIT)
    }

    /// Runs one.
    pub(super) fn run(&self, words: &[&str]) -> Result<String> {
        system("lvm").arguments(words.iter().copied()).variable("LVM_SYSTEM_DIR", &self.folder).run(LIMIT)
    }

    /// The volumes of a group, hidden ones not, with how full each pool is in percent; `None` where there is no such group.
    pub(super) fn volumes(&self, group: &str, before: &[String]) -> Result<(Option<Vec<Volume>>, String)> {
        let mut commands = before.to_vec();
        commands.push(format!("vgs --noheadings --nameprefixes --unquoted --options vg_name {group}"));
        commands.push(format!("lvs --noheadings --nameprefixes --unquoted --options lv_name,data_percent {group}"));
        let said = self.shell(&commands)?;
        let there = said.lines().any(|line| line.contains(&format!("LVM2_VG_NAME={group}")));
        let volumes = said.lines().filter_map(Volume::parse).collect();
        Ok((there.then_some(volumes), said))
    }
}

/// A row of `lvs`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Volume {
    pub(super) name: String,
    /// Whether it is a pool, or a thin volume, in which something was written.
    pub(super) written: bool,
}

impl Volume {
    fn parse(line: &str) -> Option<Self> {
        let (_, row) = line.split_once("LVM2_LV_NAME=")?;
        let (name, percent) = row.split_once(" LVM2_DATA_PERCENT=")?;
        let percent = percent.trim();
        Some(Self { name: name.trim().to_owned(), written: !percent.is_empty() && percent != "0.00" })
    }
}

pub(super) fn dmsetup<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<String> {
    system("dmsetup").arguments(words).run(LIMIT)
}

pub(super) fn losetup<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<String> {
    system("losetup").arguments(words).run(LIMIT)
}

pub(super) fn iscsiadm<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<String> {
    system("iscsiadm").arguments(words).run(LIMIT)
}

/// Has a thin pool make volumes of these numbers, until it refuses.
pub(super) fn fill_metadata(pool: &str, numbers: Range<u32>) -> Result<String> {
    let words = ["-".to_owned(), pool.to_owned(), numbers.start.to_string(), numbers.len().to_string()];
    system("python3").arguments(words).input(FILL_METADATA).run(LIMIT)
}

/// One that makes device nodes itself where nobody else does.
fn system(name: &str) -> Program {
    let program = Program::new(name);
    if Path::new("/run/udev/control").exists() { program } else { program.variable("DM_DISABLE_UDEV", "1") }
}

#[cfg(test)]
mod tests {
    use super::Volume;

    #[test]
    fn rows_are_found_behind_the_prompt() {
        let check = |line: &str, name: &str, written: bool| {
            assert_eq!(Volume::parse(line), Some(Volume { name: name.to_owned(), written }), "{line}");
        };
        check("lvm>   LVM2_LV_NAME=pool LVM2_DATA_PERCENT=0.00", "pool", false);
        check("  LVM2_LV_NAME=pool LVM2_DATA_PERCENT=12.50", "pool", true);
        check("  LVM2_LV_NAME=thick LVM2_DATA_PERCENT=", "thick", false);
        assert_eq!(Volume::parse("lvm> exit"), None);
    }
}
