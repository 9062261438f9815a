//! What cargo built for a job and what it found fresh, from its messages.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// The units of one build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Units {
    /// How many there are of each: package, version, kind, name, whether it is built as a test.
    all: BTreeMap<String, usize>,
    /// Those that were built anew.
    built: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Message {
    reason: String,
    package_id: Option<String>,
    target: Option<Target>,
    profile: Option<Profile>,
    fresh: Option<bool>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

impl Units {
    /// Reads what `cargo --message-format json` printed; other lines are passed over.
    pub(super) fn parse(messages: &[u8]) -> Self {
        let mut units = Self::default();
        for line in messages.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"{")) {
            let Ok(message) = serde_json::from_slice::<Message>(line) else { continue };
            let (Some(package), Some(target)) = (message.package_id, message.target) else { continue };
            if message.reason != "compiler-artifact" {
                continue;
            }
            let package = name_and_version(&package);
            let test = if message.profile.is_some_and(|profile| profile.test) { " as a test" } else { "" };
            let unit = format!("{package} {} {}{test}", target.kind.join("+"), target.name);
            if message.fresh == Some(false) {
                units.built.insert(unit.clone());
            }
            *units.all.entry(unit).or_default() += 1;
        }
        units
    }

    /// The names of the packages of which something was built.
    pub(super) fn built_packages(&self) -> BTreeSet<String> {
        let names = self.built.iter().filter_map(|unit| unit.split_once('@'));
        names.map(|(name, _)| name.to_owned()).collect()
    }

    /// Whether cargo wrote anything.
    pub(super) fn built_any(&self) -> bool {
        !self.built.is_empty()
    }

    /// What is not as it was in `base`; none where all is fresh and nothing came or went.
    pub(super) fn differs_from(&self, base: &Self) -> Option<String> {
        if let Some(unit) = self.built.first() {
            return Some(format!("{unit} is built again"));
        }
        let gone = base.all.iter().find(|(unit, count)| self.all.get(*unit).unwrap_or(&0) < *count);
        if let Some((unit, _)) = gone {
            return Some(format!("{unit} is built no more"));
        }
        let new = self.all.iter().find(|(unit, count)| base.all.get(*unit).unwrap_or(&0) < *count);
        new.map(|(unit, _)| format!("{unit} is new"))
    }
}

/// `path+file:///a/b#0.1.0` where the folder has the package's name, else `path+file:///a/b#name@0.1.0`.
fn name_and_version(package: &str) -> String {
    match package.rsplit_once('#') {
        Some((_, id)) if id.contains('@') => id.to_owned(),
        Some((source, version)) => {
            let source = source.split('?').next().unwrap_or(source);
            format!("{}@{version}", source.rsplit('/').next().unwrap_or(source))
        }
        None => package.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::Units;

    fn units(list: &[(&str, bool)]) -> Units {
        let line = |(name, fresh): &(&str, bool)| {
            format!(
                "{{\"reason\":\"compiler-artifact\",\"package_id\":\"path+file:///t/{name}#0.1.0\",\"target\":\
                 {{\"name\":\"{name}\",\"kind\":[\"lib\"]}},\"profile\":{{\"test\":true}},\"fresh\":{fresh}}}\n"
            )
        };
        let text: String = list.iter().map(line).collect();
        Units::parse(format!("   Compiling\n{text}{{\"reason\":\"build-finished\",\"success\":true}}\n").as_bytes())
    }

    #[test]
    fn a_unit_that_is_built_again_new_or_gone_is_a_difference() {
        let base = units(&[("a", false), ("b", false)]);
        assert_eq!(units(&[("a", true), ("b", true)]).differs_from(&base), None);
        assert!(units(&[("a", true), ("b", false)]).differs_from(&base).is_some());
        assert!(units(&[("a", true)]).differs_from(&base).is_some());
        assert!(units(&[("a", true), ("b", true), ("c", true)]).differs_from(&base).is_some());
        assert_eq!(units(&[("a", true), ("b", false)]).built_packages(), ["b".to_owned()].into());
    }
}
