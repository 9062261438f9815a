//! Paths as the kernel walks them: each symbolic link on the way is read too, and what it leads to is what is meant.

use std::{
    collections::{HashMap, VecDeque},
    ffi::OsString,
    path::{Component, Path, PathBuf},
};

/// As many as the kernel follows.
const MOST_LINKS: usize = 40;

/// Follows links, below one folder only: what lies outside has no record. Remembers those it has seen.
pub(super) struct Links<'t> {
    top: &'t Path,
    texts: HashMap<PathBuf, Option<PathBuf>>,
    folders: HashMap<PathBuf, Option<PathBuf>>,
}

impl<'t> Links<'t> {
    /// `top` without any link in it.
    pub(super) fn below(top: &'t Path) -> Self {
        Self { top, texts: HashMap::new(), folders: HashMap::new() }
    }

    /// The links on the way to `path` that are below the top, and where it leads in the end, if that is below the top.
    pub(super) fn walk(&mut self, path: &Path) -> Vec<PathBuf> {
        let Some(path) = self.named_below_top(path) else { return Vec::new() };
        let mut found = Vec::new();
        let mut ahead: VecDeque<OsString> = parts(&path).collect();
        let mut at = PathBuf::from("/");
        while let Some(part) = ahead.pop_front() {
            if part == ".." {
                at.pop();
                continue;
            }
            at.push(part);
            let Some(text) = self.text(&at) else { continue };
            found.push(at.clone());
            if found.len() > MOST_LINKS {
                return found; // round in circles: nothing is there
            }
            at.pop();
            if text.is_absolute() {
                at = PathBuf::from("/");
            }
            for part in parts(&text).collect::<Vec<_>>().into_iter().rev() {
                ahead.push_front(part);
            }
        }
        if at.starts_with(self.top) {
            found.push(at);
        }
        found
    }

    /// The path by its name below the top; from outside, a link may lead there.
    fn named_below_top(&mut self, path: &Path) -> Option<PathBuf> {
        if path.starts_with(self.top) {
            return Some(path.to_owned());
        }
        let (folder, name) = (path.parent()?, path.file_name()?);
        let real = self.folders.entry(folder.to_owned()).or_insert_with(|| folder.canonicalize().ok());
        real.as_ref().filter(|real| real.starts_with(self.top)).map(|real| real.join(name))
    }

    fn text(&mut self, path: &Path) -> Option<PathBuf> {
        if path == self.top || !path.starts_with(self.top) {
            return None;
        }
        self.texts.entry(path.to_owned()).or_insert_with(|| std::fs::read_link(path).ok()).clone()
    }
}

fn parts(path: &Path) -> impl Iterator<Item = OsString> + use<'_> {
    path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{create_dir_all, write},
        os::unix::fs::symlink,
        path::{Path, PathBuf},
    };

    use super::Links;

    #[test]
    fn links_on_the_way_are_named_and_followed() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().canonicalize().unwrap();
        let top = base.join("top");
        create_dir_all(top.join("a/b")).unwrap();
        write(top.join("a/b/file"), "").unwrap();
        symlink("a/b", top.join("short")).unwrap();
        symlink("short/../b/file", top.join("twice")).unwrap();
        symlink("../a", top.join("a/up")).unwrap();
        symlink(base.join("out"), top.join("out")).unwrap();
        symlink("round", top.join("round")).unwrap();
        symlink(&top, base.join("other-name")).unwrap();
        let mut links = Links::below(&top);
        let mut walk = |path: &Path| -> Vec<PathBuf> {
            let walked = links.walk(path);
            walked.into_iter().map(|path| path.strip_prefix(&top).unwrap().to_owned()).collect()
        };
        let plain = |names: &[&str]| -> Vec<PathBuf> { names.iter().map(PathBuf::from).collect() };
        assert_eq!(walk(&top.join("a/b/file")), plain(&["a/b/file"]));
        assert_eq!(walk(&top.join("short/file")), plain(&["short", "a/b/file"]));
        assert_eq!(walk(&top.join("short/missing")), plain(&["short", "a/b/missing"]));
        assert_eq!(walk(&top.join("twice")), plain(&["twice", "short", "a/b/file"]));
        assert_eq!(walk(&top.join("a/up/up/b")), plain(&["a/up", "a/up", "a/b"]));
        assert_eq!(walk(&top.join("out/x")), plain(&["out"]));
        assert_eq!(walk(&top.join("round")).len(), 41);
        assert_eq!(walk(&base.join("other-name/a")), plain(&["a"]));
        assert_eq!(walk(&base.join("elsewhere")), plain(&[]));
    }
}
