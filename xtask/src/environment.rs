//! The variables that this process was started with, as what they are for digests: texts, by name.

use std::collections::BTreeMap;

/// All of them; what is no UTF-8 is told by a mark in its place, which is as good for a digest.
#[must_use]
pub fn variables() -> BTreeMap<String, String> {
    let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect()
}
