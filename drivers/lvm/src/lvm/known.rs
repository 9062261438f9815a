//! The devices that a volume group was found on last.
//!
//! To find it, LVM reads the head of every device of the machine. Who opens it after another process need not: its
//! metadata says which physical volumes it has, and so it shows at once if it is not whole with the known ones. Paths
//! are good for as long as the machine runs: after that they may lead elsewhere.

use std::{fs, io, path::Path};

/// In which, below the driver's own directory, they are: a line that names the machine's start, and one for each path.
const FILE: &str = "devices";
/// Made by the kernel for each start of the machine.
const START: &str = "/proc/sys/kernel/random/boot_id";

/// The devices, where they were found since the machine started and are still there.
pub(super) fn read(state: &Path) -> Option<Vec<String>> {
    read_at(&fs::read_to_string(START).ok()?, state)
}

/// Remembers them. Blocks for some system calls.
///
/// # Errors
/// Those of writing; whatever is read afterwards is whole.
pub(super) fn write(state: &Path, devices: &[String]) -> io::Result<()> {
    write_at(&fs::read_to_string(START)?, state, devices)
}

fn read_at(start: &str, state: &Path) -> Option<Vec<String>> {
    let text = fs::read_to_string(state.join(FILE)).ok()?;
    let mut lines = text.lines();
    if lines.next()? != start.trim() {
        return None;
    }
    let devices: Vec<_> = lines.map(str::to_owned).collect();
    (!devices.is_empty() && devices.iter().all(|path| Path::new(path).exists())).then_some(devices)
}

fn write_at(start: &str, state: &Path, devices: &[String]) -> io::Result<()> {
    let staged = state.join(format!("{FILE}.{}", std::process::id()));
    fs::write(&staged, format!("{}\n{}\n", start.trim(), devices.join("\n")))?;
    fs::rename(staged, state.join(FILE))
}

#[cfg(test)]
mod tests {
    use super::{read_at, write_at};

    #[test]
    fn devices_are_known_until_the_machine_starts_again_or_they_go() {
        let scratch = tempfile::tempdir().expect("a directory");
        let device = scratch.path().join("device");
        std::fs::write(&device, "").expect("written");
        let devices = vec![device.to_str().expect("text").to_owned()];
        assert_eq!(read_at("one\n", scratch.path()), None);
        write_at("one\n", scratch.path(), &devices).expect("written");
        assert_eq!(read_at("one\n", scratch.path()), Some(devices));
        assert_eq!(read_at("two\n", scratch.path()), None);
        std::fs::remove_file(device).expect("removed");
        assert_eq!(read_at("one\n", scratch.path()), None);
    }
}
