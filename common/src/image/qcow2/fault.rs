//! What can be wrong with a qcow2 image.

/// Why a qcow2 image is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Qcow2Fault {
    /// The header is cut off.
    #[error("its header is cut off")]
    CutHeader,
    /// Its version is neither 2 nor 3.
    #[error("version {0} is not known")]
    Version(u32),
    /// It takes bytes from another file.
    #[error("it refers to a backing file; convert it to an image complete in itself")]
    BackingFile,
    /// Its bytes are in another file.
    #[error("it refers to an external data file; convert it to an image complete in itself")]
    ExternalDataFile,
    /// It is encrypted.
    #[error("it is encrypted")]
    Encrypted,
    /// It was not closed, and its reference counts may be wrong.
    #[error("it is marked dirty; run `qemu-img check -r all` on it")]
    Dirty,
    /// QEMU found it damaged before.
    #[error("it is marked corrupt; run `qemu-img check -r all` on it")]
    Corrupt,
    /// It needs features that are not known here: their bits.
    #[error("it needs unknown features (bits {0:#x})")]
    UnknownFeatures(u64),
    /// A field of the header has a value that no writer gives it.
    #[error("its header field `{name}` has the impossible value {value}")]
    Field {
        /// The field's name in QEMU's document.
        name: &'static str,
        /// What it says.
        value: u64,
    },
    /// Its tables say that there is data where the file has no bytes.
    #[error("it is cut off: the bytes from {guest_offset} on of its disk lie beyond the end of the file")]
    CutOff {
        /// Where in the virtual disk.
        guest_offset: u64,
    },
    /// A table or cluster stands where none can.
    #[error("its tables are damaged at byte {guest_offset} of its disk")]
    Misplaced {
        /// Where in the virtual disk.
        guest_offset: u64,
    },
}
