//! Names and tags of logical volumes.
//!
//! Whatever reaches a command line of LVM is one of these types, and none of them can hold white space, a quote or a
//! control character, begin with a hyphen, or name one of LVM's own hidden volumes.

use std::{fmt, str::FromStr};

use ashlar_common::{
    ids::{SnapshotId, VolumeId},
    units::ByteCount,
};

/// Longest name of a volume group and a logical volume: together, with hyphens doubled, they are the name of a
/// device-mapper device, which has 127 characters (`DM_NAME_LEN`).
const NAME_BYTES: usize = 100;
/// Longest tag that LVM takes.
const TAG_BYTES: usize = 1024;
/// What LVM keeps for itself at the beginning of names (`lvm(8)`, "VALID NAMES").
const RESERVED_PREFIXES: [&str; 2] = ["snapshot", "pvmove"];
/// What LVM keeps for itself anywhere in names.
const RESERVED_PARTS: [&str; 17] = [
    "_cdata", "_cmeta", "_corig", "_cpool", "_cvol", "_wcorig", "_iorig", "_imeta", "_mimage", "_mlog", "_pmspare",
    "_rimage", "_rmeta", "_tdata", "_tmeta", "_vdata", "_vorigin",
];

/// Not a name that LVM gives to what people make.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the name of a volume: LVM takes letters, digits and any of `+_.-`, the first no hyphen")]
pub struct InvalidLvName(String);

macro_rules! lvm_name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// As text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

lvm_name! {
    /// The name of a volume group.
    VgName
}
lvm_name! {
    /// The name of a logical volume.
    LvName
}
lvm_name! {
    /// A tag of a logical volume.
    Tag
}

impl FromStr for VgName {
    type Err = InvalidLvName;
    fn from_str(text: &str) -> Result<Self, InvalidLvName> {
        if plain(text, NAME_BYTES) { Ok(Self(text.to_owned())) } else { Err(InvalidLvName(text.to_owned())) }
    }
}

impl FromStr for LvName {
    type Err = InvalidLvName;
    fn from_str(text: &str) -> Result<Self, InvalidLvName> {
        let reserved = RESERVED_PREFIXES.iter().any(|prefix| text.starts_with(prefix))
            || RESERVED_PARTS.iter().any(|part| text.contains(part));
        if plain(text, NAME_BYTES) && !reserved {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidLvName(text.to_owned()))
    }
}

fn plain(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len())
        && !text.starts_with('-')
        && !matches!(text, "." | "..")
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+_.-".contains(&byte))
}

/// What a logical volume of ours is, told by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ours {
    /// A whole volume.
    Volume(VolumeId),
    /// A whole snapshot.
    Snapshot(SnapshotId),
    /// A volume that is being made; what a dead host left of one is removed.
    New(VolumeId),
    /// What was a volume or a snapshot with this id, and is to go.
    Dead(VolumeId),
}

impl LvName {
    /// A whole volume.
    #[must_use]
    pub fn volume(id: VolumeId) -> Self {
        Self(format!("volume-{id}"))
    }

    /// A whole snapshot. LVM keeps `snapshot` for itself.
    #[must_use]
    pub fn snapshot(id: SnapshotId) -> Self {
        Self(format!("snap-{id}"))
    }

    /// A volume that is being made.
    #[must_use]
    pub fn new_volume(id: VolumeId) -> Self {
        Self(format!("new-{id}"))
    }

    /// A volume that is to go.
    #[must_use]
    pub fn dead_volume(id: VolumeId) -> Self {
        Self(format!("dead-{id}"))
    }

    /// A snapshot that is to go.
    #[must_use]
    pub fn dead_snapshot(id: SnapshotId) -> Self {
        Self(format!("dead-{id}"))
    }

    /// A volume that Ashlar let go of.
    #[must_use]
    pub fn unmanaged(id: VolumeId) -> Self {
        Self(format!("unmanaged-{id}"))
    }

    /// What of ours bears this name; whether it is ours is said by the tag [`Tag::ours`].
    #[must_use]
    pub fn ours(&self) -> Option<Ours> {
        let (kind, id) = self.0.split_once('-')?;
        // `VolumeId` takes capitals, our names have none.
        if id.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return None;
        }
        Some(match kind {
            "volume" => Ours::Volume(id.parse().ok()?),
            "snap" => Ours::Snapshot(id.parse().ok()?),
            "new" => Ours::New(id.parse().ok()?),
            "dead" => Ours::Dead(id.parse().ok()?),
            _ => return None,
        })
    }
}

const SIZE: &str = "ashlar.size=";
const OF: &str = "ashlar.of=";
const FROM: &str = "ashlar.from=";
const INTENT: &str = "ashlar.intent=";

impl Tag {
    /// What every logical volume of ours has.
    #[must_use]
    pub fn ours() -> Self {
        Self("ashlar".to_owned())
    }

    /// The exact size: the logical volume is rounded up to extents.
    #[must_use]
    pub fn size(size: ByteCount) -> Self {
        Self(format!("{SIZE}{}", size.bytes()))
    }

    /// The volume that a snapshot is of.
    #[must_use]
    pub fn of(volume: VolumeId) -> Self {
        Self(format!("{OF}{volume}"))
    }

    /// The volume whose bytes a volume was made with. Asked for again, it must be the same.
    #[must_use]
    pub fn from_volume(source: VolumeId) -> Self {
        Self(format!("{FROM}{source}"))
    }

    /// The same of a snapshot.
    #[must_use]
    pub fn from_snapshot(source: SnapshotId) -> Self {
        Self(format!("{FROM}{source}"))
    }

    /// The same of an image.
    #[must_use]
    pub fn from_image() -> Self {
        Self(format!("{FROM}image"))
    }

    /// Whether it says what a volume was made from.
    #[must_use]
    pub fn is_from(&self) -> bool {
        self.0.starts_with(FROM)
    }

    /// What an operation of several steps is about to do with this volume, for who finishes it after a crash.
    /// `None` where the words cannot be a tag.
    #[must_use]
    pub fn intent(words: &str) -> Option<Self> {
        format!("{INTENT}{words}").parse().ok()
    }

    /// The size that this tag says.
    #[must_use]
    pub fn as_size(&self) -> Option<ByteCount> {
        let bytes: u64 = self.0.strip_prefix(SIZE)?.parse().ok()?;
        ByteCount::new(bytes).ok()
    }

    /// The volume that this tag says a snapshot is of.
    #[must_use]
    pub fn as_of(&self) -> Option<VolumeId> {
        self.0.strip_prefix(OF)?.parse().ok()
    }

    /// The words of [`Tag::intent`].
    #[must_use]
    pub fn as_intent(&self) -> Option<&str> {
        self.0.strip_prefix(INTENT)
    }
}

impl FromStr for Tag {
    type Err = InvalidLvName;
    fn from_str(text: &str) -> Result<Self, InvalidLvName> {
        let taken = |byte: u8| byte.is_ascii_alphanumeric() || b"_+.-/=!:&#".contains(&byte);
        if (1..=TAG_BYTES).contains(&text.len()) && !text.starts_with('-') && text.bytes().all(taken) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidLvName(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use ashlar_common::{ids::VolumeId, units::ByteCount};

    use super::{LvName, Ours, Tag, VgName};

    #[test]
    fn what_could_be_an_option_a_path_or_a_second_word_is_no_name() {
        for hostile in [
            "",
            "-y",
            "--yes",
            "a b",
            "a\tb",
            "a\nlvremove",
            "a\0",
            "a'b",
            "a\"b",
            "a;b",
            "a|b",
            "$(a)",
            "`a`",
            "a/b",
            "../a",
            ".",
            "..",
            "a\\b",
            "a#b",
            "a@b",
            "é",
            "[a]",
            "{a}",
        ] {
            assert!(hostile.parse::<LvName>().is_err(), "{hostile:?}");
            assert!(hostile.parse::<VgName>().is_err(), "{hostile:?}");
        }
        let long = "a".repeat(101);
        assert!(long.parse::<LvName>().is_err());
    }

    #[test]
    fn names_that_lvm_keeps_for_itself_are_refused() {
        for reserved in ["snapshot0", "pvmove1", "pool_tdata", "pool_tmeta", "lvol0_pmspare", "r_rimage_0"] {
            assert!(reserved.parse::<LvName>().is_err(), "{reserved}");
        }
    }

    #[test]
    fn tags_of_two_words_are_refused() {
        for hostile in ["", "-a", "a b", "a\nb", "a,b", "a'b", "a\"b"] {
            assert!(hostile.parse::<Tag>().is_err(), "{hostile:?}");
        }
    }

    #[test]
    fn our_names_and_tags_are_read_back() {
        let id = VolumeId::new();
        assert_eq!(LvName::volume(id).ours(), Some(Ours::Volume(id)));
        assert_eq!(LvName::new_volume(id).ours(), Some(Ours::New(id)));
        assert_eq!(LvName::dead_volume(id).ours(), Some(Ours::Dead(id)));
        assert!(LvName::volume(id).as_str().parse::<LvName>().is_ok());
        let size = ByteCount::new(1536).expect("small");
        assert_eq!(Tag::size(size).as_size(), Some(size));
        assert_eq!(Tag::of(id).as_of(), Some(id));
        assert_eq!(Tag::intent("revert").and_then(|tag| tag.as_intent().map(str::to_owned)).as_deref(), Some("revert"));
    }

    #[test]
    fn names_that_only_look_like_ours_are_not() {
        let id = VolumeId::new().to_string();
        for other in [format!("vol-{id}"), format!("volume-{id}x"), format!("volume-{}", id.to_uppercase()), id] {
            // A version-4 UUID without a letter does not occur.
            assert_eq!(other.parse::<LvName>().expect("a name").ours(), None, "{other}");
        }
    }
}
