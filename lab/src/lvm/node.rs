//! Block devices as the kernel names them, and what is stacked on them.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

const BLOCK: &str = "/sys/block";

/// The kernel's name (`dm-3`, `loop0`) of what `path` leads to.
pub(super) fn name_of(path: &Path) -> Option<String> {
    let real = fs::canonicalize(path).ok()?;
    let name = real.file_name()?.to_str()?;
    if Path::new(BLOCK).join(name).exists() {
        return Some(name.to_owned());
    }
    // Without udev a node is no link, so only its number says what it is.
    let number = rustix::fs::stat(&real).ok()?.st_rdev;
    let number = format!("{}:{}", rustix::fs::major(number), rustix::fs::minor(number));
    all().into_iter().find(|name| attribute(name, "dev").as_deref() == Some(number.as_str()))
}

/// What uses it, and what uses that: each before all that it uses.
pub(super) fn above(name: &str) -> Vec<String> {
    let mut found = Vec::new();
    visit(name, &mut found);
    found.retain(|node| node != name);
    found
}

fn visit(name: &str, found: &mut Vec<String>) {
    for holder in holders(name) {
        if !found.contains(&holder) {
            visit(&holder, found);
        }
    }
    found.push(name.to_owned());
}

fn holders(name: &str) -> BTreeSet<String> {
    let folder = fs::read_dir(Path::new(BLOCK).join(name).join("holders")).into_iter().flatten().flatten();
    let mut found: BTreeSet<String> = folder.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    // A loop device does not claim what it is on.
    found.extend(loops().into_iter().filter(|(_, file)| name_of(file).as_deref() == Some(name)).map(|(of, _)| of));
    found
}

/// Loop devices that have a file, and which.
pub(super) fn loops() -> Vec<(String, PathBuf)> {
    let in_use = |name: String| Some((name.clone(), PathBuf::from(attribute(&name, "loop/backing_file")?)));
    all().into_iter().filter(|name| name.starts_with("loop")).filter_map(in_use).collect()
}

/// The names that device-mapper has for its devices, with the kernel's.
pub(super) fn mapped() -> Vec<(String, String)> {
    let named = |name: String| Some((attribute(&name, "dm/name")?, name));
    all().into_iter().filter_map(named).collect()
}

/// The name that device-mapper has for `dm-N`.
pub(super) fn mapped_name(name: &str) -> Option<String> {
    attribute(name, "dm/name")
}

pub(super) fn is_suspended(name: &str) -> bool {
    attribute(name, "dm/suspended").as_deref() == Some("1")
}

fn attribute(name: &str, attribute: &str) -> Option<String> {
    let text = fs::read_to_string(Path::new(BLOCK).join(name).join(attribute)).ok()?;
    Some(text.trim_end().to_owned())
}

fn all() -> Vec<String> {
    let entries = fs::read_dir(BLOCK).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort_unstable();
    names
}
