//! Names of things. Each kind of id is its own type, so that one is never taken for another.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id, never given before.
            #[must_use]
            #[expect(clippy::new_without_default, reason = "a default id would not be the same twice")]
            pub fn new() -> Self {
                Self(Uuid::new_v4())
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        /// Accepts the hyphenated lower- or upper-case form only: what else `uuid` would take (braces, `urn:`)
        /// has no place in a path or a file name.
        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                if text.len() != 36 {
                    return Err(InvalidId);
                }
                Uuid::try_parse(text).map(Self).map_err(|_| InvalidId)
            }
        }
    };
}

/// Not a hyphenated UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id: expected a UUID such as 6d9c2b0e-7d0f-4c58-9a0e-0d7c1d1f8b1a")]
pub struct InvalidId;

uuid_id! {
    /// A volume. The backend's object name is computed from it, so a retry finds what the first try left.
    VolumeId
}
uuid_id! {
    /// A snapshot of a volume.
    SnapshotId
}
uuid_id! {
    /// One client's hold on a volume.
    AttachmentId
}
uuid_id! {
    /// A volume type.
    TypeId
}
uuid_id! {
    /// An entry of the operation log.
    OpId
}
uuid_id! {
    /// An image in the image store.
    ImageId
}

macro_rules! short_name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// 1 to 63 characters of `a-z A-Z 0-9 . _ -`, starting with a letter or digit: safe in a path, a URL and a
        /// `host@backend#pool` string.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// As text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;
            fn from_str(text: &str) -> Result<Self, InvalidName> {
                check_name(text)?;
                Ok(Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(text: String) -> Result<Self, InvalidName> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

/// Not usable as the name of a backend or pool.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a name: use 1 to 63 letters, digits, '.', '_' or '-', the first a letter or digit")]
pub struct InvalidName(String);

fn check_name(text: &str) -> Result<(), InvalidName> {
    let starts_well = text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric());
    let only_known = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if starts_well && only_known && text.len() <= 63 { Ok(()) } else { Err(InvalidName(text.to_owned())) }
}

short_name! {
    /// A backend: a section of the configuration file, served by one driver host.
    BackendName
}
short_name! {
    /// A pool within a backend: what the scheduler places on.
    PoolName
}

#[cfg(test)]
mod tests {
    use super::{BackendName, VolumeId};

    #[test]
    fn ids_take_the_hyphenated_form_only() {
        let id = VolumeId::new();
        assert_eq!(id.to_string().parse(), Ok(id));
        for bad in
            ["", "..", "{6d9c2b0e-7d0f-4c58-9a0e-0d7c1d1f8b1a}", "6d9c2b0e7d0f4c589a0e0d7c1d1f8b1a", "../../etc/passwd"]
        {
            assert!(bad.parse::<VolumeId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn names_cannot_leave_a_path_or_a_host_string() {
        assert!("fast-1.a_b".parse::<BackendName>().is_ok());
        for bad in ["", ".", "..", "-x", "a/b", "a@b", "a#b", "a b", "é"] {
            assert!(bad.parse::<BackendName>().is_err(), "{bad}");
        }
    }
}
