//! What LVM is asked about a volume group, and when its answer is believed.
//!
//! Volumes and volume groups are told with the columns that `settings` names.

use super::{
    command::Command,
    report::{Answer, Lv, POOL_FIELDS, PV_FIELDS, ReportError},
    shell::ShellError,
};
use crate::{
    error::Error,
    names::{LvName, VgName},
};

/// All about all volumes.
pub(super) fn all(vg: &VgName) -> Command {
    Command::reads("lvs").vg(vg)
}

/// All about the thin pools.
pub(super) fn pools(vg: &VgName) -> Command {
    let command = Command::reads("lvs").word("--options").word(POOL_FIELDS);
    command.word("--select").word("segtype=thin-pool").vg(vg)
}

/// The physical volumes that can be seen.
pub(super) fn devices() -> Command {
    Command::reads("pvs").word("--options").word(PV_FIELDS)
}

pub(super) fn unreadable(doing: String, source: ReportError) -> Error {
    Error::Unanswered { doing, source: ShellError::Report { source, stderr: String::new() } }
}

/// The volumes of a report on some. One that lacks a volume and says that all went well is not believed: LVM fails for
/// what is not there, and to take a volume for gone would have others forget it.
pub(super) fn seen(answer: &Answer, vg: &VgName, names: &[&LvName]) -> Result<Vec<Lv>, ReportError> {
    let found = answer.volumes(vg)?;
    let whole = names.iter().all(|name| found.iter().any(|lv| lv.name == **name));
    if answer.done && !whole { Err(ReportError::Incomplete) } else { Ok(found) }
}

/// All about some volumes.
pub(super) fn look(vg: &VgName, names: &[&LvName]) -> Command {
    names.iter().fold(Command::reads("lvs"), |command, name| command.lv(vg, name))
}

/// Those of the names that none of the volumes has.
pub(super) fn absent<'a>(names: &[&'a LvName], found: &[Lv]) -> Vec<&'a LvName> {
    names.iter().copied().filter(|name| !found.iter().any(|lv| lv.name == **name)).collect()
}

/// One row for each volume of these names; done without a row if the volume group has none of them.
pub(super) fn listed(vg: &VgName, names: &[&LvName]) -> Command {
    Command::reads("lvs").word("--options").word("lv_name").selected(names).vg(vg)
}

pub(super) fn group(vg: &VgName) -> Command {
    Command::reads("vgs").vg(vg)
}

pub(super) fn pool(vg: &VgName, name: &LvName) -> Command {
    Command::reads("lvs").word("--options").word(POOL_FIELDS).lv(vg, name)
}
