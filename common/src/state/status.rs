//! The words of the Block Storage API for where a thing stands.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{attachment::AttachmentState, volume::VolumeState};

macro_rules! statuses {
    ($($variant:ident $word:literal),+ $(,)?) => {
        /// A status as clients see it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[expect(missing_docs, reason = "each variant is the API's own word, listed with its meaning in the API reference")]
        pub enum Status {
            $(#[serde(rename = $word)] $variant),+
        }

        impl Status {
            /// Every status there is.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The API's word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    };
}

statuses! {
    Creating "creating",
    Downloading "downloading",
    Available "available",
    Reserved "reserved",
    Attaching "attaching",
    InUse "in-use",
    Detaching "detaching",
    Extending "extending",
    Uploading "uploading",
    Reverting "reverting",
    Deleting "deleting",
    Deleted "deleted",
    Maintenance "maintenance",
    Error "error",
    ErrorExtending "error_extending",
    ErrorDeleting "error_deleting",
    ErrorAttaching "error_attaching",
    ErrorDetaching "error_detaching",
}

impl Status {
    /// The status of a volume: its own state, or while it rests, what its attachments make of it.
    ///
    /// The order is that of urgency: one detaching client makes the volume `detaching`, whoever else holds it.
    #[must_use]
    pub fn of_volume(volume: &VolumeState, attachments: &[AttachmentState]) -> Self {
        if *volume != VolumeState::Available {
            return volume.status();
        }
        const URGENCY: [Status; 6] = [
            Status::ErrorDetaching,
            Status::ErrorAttaching,
            Status::Detaching,
            Status::Attaching,
            Status::InUse,
            Status::Reserved,
        ];
        let held = |status: &Self| attachments.iter().any(|attachment| attachment.volume_status() == *status);
        URGENCY.into_iter().find(held).unwrap_or(Self::Available)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Not one of the API's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a status")]
pub struct UnknownStatus(String);

impl FromStr for Status {
    type Err = UnknownStatus;
    fn from_str(word: &str) -> Result<Self, UnknownStatus> {
        Self::ALL.iter().copied().find(|status| status.as_str() == word).ok_or_else(|| UnknownStatus(word.to_owned()))
    }
}
