//! What bytes look like, told from their magic numbers.

/// What a file's bytes look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Looks {
    /// No known format: raw bytes, as far as anybody can tell.
    Plain,
    /// qcow2, version 2 or later.
    Qcow2,
    /// A format that Ashlar does not take, by name.
    Other(&'static str),
}

/// How much of a file's end [`looks`] wants.
pub(super) const TAIL_BYTES: usize = 512;

/// Magic numbers, and where they stand from the start.
const AT_START: [(usize, &[u8], &str); 12] = [
    (0, b"KDMV", "VMDK"),
    (0, b"COWD", "VMDK"),
    (0, b"# Disk DescriptorFile", "a VMDK descriptor"),
    (0, b"conectix", "VHD"),
    (0, b"vhdxfile", "VHDX"),
    (0x40, b"\x7f\x10\xda\xbe", "VDI"),
    (0, b"QED\0", "QED"),
    (0, b"LUKS\xba\xbe", "LUKS"),
    (0, b"SKUL\xba\xbe", "LUKS"),
    (0, b"WithoutFreeSpace", "a Parallels disk"),
    (0, b"WithouFreSpacExt", "a Parallels disk"),
    (0, b"Bochs Virtual HD Image", "a Bochs disk"),
];

/// Magic numbers that stand at the start of the last 512 bytes.
const AT_END: [(&[u8], &str); 2] = [(b"conectix", "VHD"), (b"koly", "DMG")];

/// Tells from a file's first bytes (64 KiB or all) and its last 512 (or none).
pub(super) fn looks(head: &[u8], tail: &[u8]) -> Looks {
    if let Some(rest) = head.strip_prefix(b"QFI\xfb") {
        return if rest.starts_with(&[0, 0, 0, 1]) { Looks::Other("qcow version 1") } else { Looks::Qcow2 };
    }
    let at_start = AT_START.iter().find(|(at, magic, _)| head.get(*at..).is_some_and(|from| from.starts_with(magic)));
    if let Some((_, _, name)) = at_start {
        return Looks::Other(name);
    }
    if is_vmdk_descriptor(head) {
        return Looks::Other("a VMDK descriptor");
    }
    match AT_END.iter().find(|(magic, _)| tail.starts_with(magic)) {
        Some((_, name)) => Looks::Other(name),
        None => Looks::Plain,
    }
}

/// QEMU takes a text for a VMDK descriptor, which names other files, if its first line that is neither empty nor a
/// comment gives a version. The usual first line is thus not needed, and a liar would leave it out.
fn is_vmdk_descriptor(head: &[u8]) -> bool {
    head.split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .find(|line| !line.is_empty() && !line.starts_with(b"#"))
        .is_some_and(|line| line.to_ascii_lowercase().starts_with(b"version="))
}

#[cfg(test)]
mod tests {
    use super::{Looks, looks};

    #[track_caller]
    fn check(head: &[u8], tail: &[u8], expected: Looks) {
        assert_eq!(looks(head, tail), expected);
    }

    #[test]
    fn plain_bytes_are_plain() {
        check(b"", b"", Looks::Plain);
        check(&[0; 600], &[0; 512], Looks::Plain);
        check(b"# a shell script\n\nversion of it\n", b"", Looks::Plain);
    }

    #[test]
    fn qcow_versions_are_told_apart() {
        check(b"QFI\xfb\0\0\0\x03rest", b"", Looks::Qcow2);
        check(b"QFI\xfb\0\0\0\x01rest", b"", Looks::Other("qcow version 1"));
        check(b"QFI\xfb", b"", Looks::Qcow2);
    }

    #[test]
    fn descriptors_are_known_without_their_first_line() {
        check(b"# Disk DescriptorFile\nversion=1\n", b"", Looks::Other("a VMDK descriptor"));
        check(b"\n  \r\n# anything\r\nversion=2\r\n", b"", Looks::Other("a VMDK descriptor"));
        check(b"Version=1", b"", Looks::Other("a VMDK descriptor"));
    }

    #[test]
    fn footers_count_where_the_head_says_nothing() {
        check(b"boot sector", b"conectix and more", Looks::Other("VHD"));
        check(b"boot sector", b"koly and more", Looks::Other("DMG"));
        check(b"QFI\xfb\0\0\0\x03rest", b"conectix", Looks::Qcow2);
    }

    #[test]
    fn magic_numbers_off_the_start_are_found() {
        let mut disk = [0; 100];
        disk[0x40..0x44].copy_from_slice(b"\x7f\x10\xda\xbe");
        check(&disk, b"", Looks::Other("VDI"));
    }
}
