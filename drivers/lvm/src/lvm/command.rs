//! Command lines of the LVM shell, made of words that cannot be anything else.

use std::fmt::{self, Write};

use crate::names::{LvName, Tag, VgName};

/// One command for the LVM shell.
///
/// The shell splits lines at white space and takes quotes and backslashes apart, so no word may hold any: words are
/// made of names that were checked when they were parsed, of numbers, and of text of this program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Command {
    line: String,
    changes: bool,
}

impl Command {
    /// A command that changes nothing.
    pub(super) fn reads(name: &'static str) -> Self {
        Self { line: name.to_owned(), changes: false }
    }

    /// A command that changes something. It must never ask back: what it would read as the answer is the next command.
    pub(super) fn changes(name: &'static str) -> Self {
        Self { line: format!("{name} --yes"), changes: true }
    }

    pub(super) fn word(mut self, word: &'static str) -> Self {
        self.put("", &word);
        self
    }

    pub(super) fn vg(mut self, vg: &VgName) -> Self {
        self.put("", vg);
        self
    }

    pub(super) fn lv(mut self, vg: &VgName, lv: &LvName) -> Self {
        self.put("", &format_args!("{vg}/{lv}"));
        self
    }

    pub(super) fn name(mut self, option: &'static str, lv: &LvName) -> Self {
        self.put(option, lv);
        self
    }

    pub(super) fn number(mut self, option: &'static str, number: u64, unit: &'static str) -> Self {
        self.put(option, &format_args!("{number}{unit}"));
        self
    }

    /// Only the volumes of these names. Names have no character that selections give a meaning to.
    pub(super) fn selected(mut self, lvs: &[&LvName]) -> Self {
        let any: Vec<_> = lvs.iter().map(|lv| format!("lv_name={lv}")).collect();
        self.put("--select", &any.join("||"));
        self
    }

    /// What has that tag.
    pub(super) fn tagged(mut self, tag: &Tag) -> Self {
        self.put("", &format_args!("@{tag}"));
        self
    }

    pub(super) fn tags(mut self, option: &'static str, tags: &[Tag]) -> Self {
        for tag in tags {
            self.put(option, tag);
        }
        self
    }

    fn put(&mut self, option: &'static str, word: &dyn fmt::Display) {
        if !option.is_empty() {
            self.line.push(' ');
            self.line.push_str(option);
        }
        // Writing to a string does not fail.
        let _never_fails = write!(self.line, " {word}");
    }

    /// Whether its effects must be looked for when there is no answer.
    pub(super) fn has_effects(&self) -> bool {
        self.changes
    }

    /// As it is written to the shell, without the end of the line.
    pub(super) fn line(&self) -> &str {
        &self.line
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

#[cfg(test)]
mod tests {
    use super::Command;
    use crate::names::{LvName, Tag, VgName};

    #[test]
    fn words_follow_one_another_with_one_space_between() {
        let (vg, lv): (VgName, LvName) = ("vg0".parse().expect("a name"), "a".parse().expect("a name"));
        let tags: [Tag; 2] = ["ashlar".parse().expect("a tag"), "ashlar.size=512".parse().expect("a tag")];
        let command =
            Command::changes("lvcreate").number("--extents", 3, "").name("--name", &lv).tags("--addtag", &tags).vg(&vg);
        assert_eq!(command.line(), "lvcreate --yes --extents 3 --name a --addtag ashlar --addtag ashlar.size=512 vg0");
        assert!(command.has_effects());
        assert_eq!(Command::reads("lvs").lv(&vg, &lv).line(), "lvs vg0/a");
        assert_eq!(Command::reads("lvs").selected(&[&lv, &lv]).line(), "lvs --select lv_name=a||lv_name=a");
    }
}
