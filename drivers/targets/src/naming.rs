//! Names of targets: computed from the attachment, so that a repeat finds what the first try left, and read back, so
//! that what no attachment accounts for is found.

use ashlar_common::ids::AttachmentId;

use crate::{error::Error, export::ExportName};

/// The longest name of a target (RFC 7143, 4.2.7.1).
const MAX_TARGET: usize = 223;
/// `:` and a UUID.
const TAIL: usize = 37;

/// How the targets of one backend are called: `<prefix>:<backend>:<attachment>`.
///
/// The prefix is a naming authority's (`iqn.2026-11.org.ashlar`): names of targets are to be unique in the world, and
/// the attachment's UUID makes them so. The backend's name is in it for people, and so that of two backends on one machine
/// each finds only its own. Targets are never used again, since attachments are not: an initiator that still
/// has a session of an earlier attachment in its records can never be led to another volume by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naming {
    start: String,
    label: String,
}

impl Naming {
    /// Names for `backend` (any text) under `prefix`.
    ///
    /// # Errors
    /// [`Error::BadName`] for a prefix that is not `iqn.` or `nqn.` with lower-case letters, digits, `.`, `:` and `-`,
    /// or when the names would be longer than 223 bytes.
    pub fn new(prefix: &str, backend: &str) -> Result<Self, Error> {
        let starts_well = prefix.starts_with("iqn.") || prefix.starts_with("nqn.");
        let only_known = prefix.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".:-".contains(&b));
        if !starts_well || !only_known || prefix.ends_with(':') {
            let rule = "it is like iqn.2026-11.org.example: lower-case letters, digits, '.', ':' and '-'";
            return Err(Error::BadName { what: "the prefix of targets", text: prefix.to_owned(), rule });
        }
        let label = label(backend);
        let start = format!("{prefix}:{label}:");
        if backend.is_empty() || start.len() + TAIL > MAX_TARGET {
            let rule = "names of targets made of it have more than 223 bytes, or it is empty";
            return Err(Error::BadName { what: "the name of a backend", text: backend.to_owned(), rule });
        }
        Ok(Self { start, label })
    }

    /// The IQN or NQN of an export.
    #[must_use]
    pub fn target(&self, name: ExportName) -> String {
        format!("{}{name}", self.start)
    }

    /// Whose target it is, if it is one of ours.
    #[must_use]
    pub fn export_of_target(&self, target: &str) -> Option<ExportName> {
        parse(target.strip_prefix(&self.start)?)
    }

    /// What the device of an export is called within the kernel's target.
    #[must_use]
    pub fn store(&self, name: ExportName) -> String {
        format!("ashlar-{}-{name}", self.label)
    }

    /// Whose device it is, if it is one of ours.
    #[must_use]
    pub fn export_of_store(&self, store: &str) -> Option<ExportName> {
        parse(store.strip_prefix("ashlar-")?.strip_prefix(&self.label)?.strip_prefix('-')?)
    }
}

fn parse(text: &str) -> Option<ExportName> {
    let id: AttachmentId = text.parse().ok()?;
    // In the form that we write, or removing it would miss it.
    (id.to_string() == text).then_some(ExportName(id))
}

/// iSCSI names have lower-case letters, digits, `.` and `-` only. Other bytes become `-` and two hexadecimal digits, and
/// `-` becomes `--`, so that different backends never get the same label.
fn label(backend: &str) -> String {
    backend.bytes().fold(String::new(), |text, byte| match byte {
        b'a'..=b'z' | b'0'..=b'9' | b'.' => text + &char::from(byte).to_string(),
        b'-' => text + "--",
        other => text + &format!("-{other:02x}"),
    })
}

#[cfg(test)]
mod tests {
    use ashlar_common::ids::AttachmentId;

    use super::{Naming, label};
    use crate::export::ExportName;

    #[test]
    fn names_are_read_back_by_the_backend_that_gave_them_and_by_no_other() {
        let name = ExportName(AttachmentId::new());
        let naming = |backend| Naming::new("iqn.2026-11.org.ashlar", backend).expect("a name");
        let ours = naming("vg");
        assert_eq!(ours.target(name), format!("iqn.2026-11.org.ashlar:vg:{name}"));
        assert_eq!(ours.export_of_target(&ours.target(name)), Some(name));
        assert_eq!(ours.export_of_store(&ours.store(name)), Some(name));
        for other in ["VG", "vg-", "v", "vg:", "vg2", "-vg"] {
            let other = naming(other);
            assert_eq!(ours.export_of_target(&other.target(name)), None);
            assert_eq!(ours.export_of_store(&other.store(name)), None);
        }
        assert_eq!(
            ours.export_of_target(&format!("iqn.2026-11.org.ashlar:vg:{}", name.to_string().to_uppercase())),
            None
        );
    }

    #[test]
    fn labels_are_lower_case_and_never_the_same() {
        let labels = ["a-5f", "a_", "A", "a", "a-", "a--", "-41"].map(label);
        for (place, one) in labels.iter().enumerate() {
            assert!(one.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{one}");
            assert!(!labels[place + 1..].contains(one), "{one}");
        }
    }

    #[test]
    fn prefixes_and_backends_that_make_no_name_are_refused() {
        for (prefix, backend) in [
            ("", "vg"),
            ("ashlar", "vg"),
            ("iqn.2026-11.org.Ashlar", "vg"),
            ("iqn.a/b", "vg"),
            ("iqn.a:", "vg"),
            ("iqn.2026-11.org.ashlar", ""),
            ("iqn.2026-11.org.ashlar", &"V".repeat(60)),
        ] {
            assert!(Naming::new(prefix, backend).is_err(), "{prefix} {backend}");
        }
    }
}
