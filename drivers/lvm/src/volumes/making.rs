//! Volumes that are there when they are to be made.

use ashlar_common::units::ByteCount;

use crate::{error::Error, lvm::Lv, names::Tag};

/// The volume that is there already, if it is what was asked for.
pub(crate) fn there(lv: &Lv, size: ByteCount, from: Option<&Tag>) -> Result<Lv, Error> {
    let has = lv.tags.iter().find(|tag| tag.is_from());
    if lv.is_ours() && lv.size == size && has == from {
        return Ok(lv.clone());
    }
    let words = |size: ByteCount, from: Option<&Tag>| {
        let from = from.map_or("made empty", Tag::as_str);
        format!("{} bytes, {from}", size.bytes())
    };
    let has = if lv.is_ours() { words(lv.size, has) } else { "no tag of Ashlar's".to_owned() };
    Err(Error::Differs { name: lv.name.to_string(), has, asked: words(size, from) })
}
