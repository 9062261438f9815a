//! What cargo built, from the messages that it prints for programs.

use std::{collections::BTreeSet, path::PathBuf};

use anyhow::{Context, Result};
use cargo_metadata::Message;

/// The packages of one build.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Built {
    /// `name version` of each.
    pub(super) packages: BTreeSet<String>,
    /// The manifests of those that were compiled, or run.
    pub(super) fresh: BTreeSet<PathBuf>,
    /// The manifests of those that cargo had from before, so that nobody saw what they read.
    pub(super) kept: BTreeSet<PathBuf>,
}

impl Built {
    /// Reads what `cargo --message-format json` printed, other lines between.
    ///
    /// # Errors
    /// A message is not of that form, or there is none.
    pub(super) fn parse(log: &str) -> Result<Self> {
        let mut built = Self::default();
        for message in messages(log) {
            let Message::CompilerArtifact(artifact) = message? else { continue };
            let package = named(&artifact.package_id.repr);
            built.packages.insert(package.with_context(|| format!("no package id: `{}`", artifact.package_id))?);
            // Cargo's word for: nothing had to be done.
            let set = if artifact.fresh { &mut built.kept } else { &mut built.fresh };
            set.insert(artifact.manifest_path.into());
        }
        anyhow::ensure!(!built.packages.is_empty(), "cargo named no package that it built");
        Ok(built)
    }
}

/// Cargo's messages in what it printed, other lines between.
pub(super) fn messages(log: &str) -> impl Iterator<Item = Result<Message>> {
    let lines = log.lines().filter(|line| line.starts_with("{\"reason\":"));
    lines.map(|line| serde_json::from_str(line).context("cargo's messages are not of the known form"))
}

/// `name version` of a package id: `registry+https://index#name@1.0.0`, or `path+file:///folder/name#1.0.0`.
fn named(id: &str) -> Option<String> {
    let (place, package) = id.rsplit_once('#')?;
    Some(match package.rsplit_once('@') {
        Some((name, version)) => format!("{name} {version}"),
        None => format!("{} {package}", place.split('?').next()?.trim_end_matches('/').rsplit('/').next()?),
    })
}

#[cfg(test)]
mod tests {
    use super::{Built, named};

    #[test]
    fn names_and_versions_are_read_from_ids() {
        assert_eq!(named("registry+https://index#serde@1.0.2").as_deref(), Some("serde 1.0.2"));
        assert_eq!(named("path+file:///w/drivers/local#0.1.0").as_deref(), Some("local 0.1.0"));
        assert_eq!(named("path+file:///w/common#ashlar-common@0.1.0").as_deref(), Some("ashlar-common 0.1.0"));
        assert_eq!(named("git+https://host/a/b?rev=1#0.2.0").as_deref(), Some("b 0.2.0"));
        assert_eq!(named("serde 1.0.2"), None);
    }

    #[test]
    fn what_was_kept_is_told_from_what_was_built() {
        let target = "{\"kind\":[\"lib\"],\"crate_types\":[\"lib\"],\"name\":\"x\",\"src_path\":\"/w/x.rs\"}";
        let profile = "{\"opt_level\":\"0\",\"debug_assertions\":true,\"overflow_checks\":true,\"test\":true}";
        let artifact = |name: &str, fresh: bool| {
            format!(
                "{{\"reason\":\"compiler-artifact\",\"package_id\":\"path+file:///w/{name}#1.0.0\",\
                 \"manifest_path\":\"/w/{name}/Cargo.toml\",\"target\":{target},\"profile\":{profile},\
                 \"features\":[],\"filenames\":[],\"executable\":null,\"fresh\":{fresh}}}\n"
            )
        };
        let log = format!(
            "   Compiling a\n{}{{\"reason\":\"build-finished\",\"success\":true}}\n{}",
            artifact("a", false),
            artifact("b", true)
        );
        let built = Built::parse(&log).unwrap();
        assert_eq!(built.packages.into_iter().collect::<Vec<_>>(), ["a 1.0.0", "b 1.0.0"]);
        assert_eq!(built.fresh, ["/w/a/Cargo.toml".into()].into());
        assert_eq!(built.kept, ["/w/b/Cargo.toml".into()].into());
        assert!(Built::parse("   Finished\n").is_err());
        assert!(Built::parse("{\"reason\":").is_err());
    }
}
