//! Images: what a file really is, and moving its bytes to and from volumes.

use serde::{Deserialize, Serialize};

/// A format that images are stored in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageFormat {
    /// The bytes themselves.
    Raw,
    /// QEMU's copy-on-write format, version 2 or 3.
    Qcow2,
}
