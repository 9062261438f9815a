//! What nextest is told for one job: the workspace's own configuration, with a place of the job's own for its report, so
//! that jobs may run side by side.

use std::path::Path;

use anyhow::{Context, Result};
use toml::{Table, Value};

/// The profile that jobs run with.
pub const PROFILE: &str = "ci";
/// Where the workspace's configuration is, relative to its root.
pub const CONFIG: &str = ".config/nextest.toml";
/// The report's name in the folder of the profile, in the folder that [`config`] was given.
pub const REPORT: &str = "junit.xml";

/// The configuration `text` with `store` as the folder of reports; a workspace without one gets the report alone.
///
/// # Errors
/// `text` is no TOML, or not of nextest's form, or the path is no UTF-8.
pub fn config(text: &str, store: &Path) -> Result<String> {
    let mut config: Table = toml::from_str(text).with_context(|| format!("{CONFIG} is no TOML"))?;
    let store = store.to_str().context("nextest takes paths that are UTF-8 only")?;
    table(&mut config, &["store"])?.insert("dir".to_owned(), store.into());
    table(&mut config, &["profile", PROFILE, "junit"])?.insert("path".to_owned(), REPORT.into());
    toml::to_string(&config).with_context(|| format!("{CONFIG} cannot be written anew"))
}

/// The table of that name, made where there is none.
fn table<'t>(within: &'t mut Table, name: &[&str]) -> Result<&'t mut Table> {
    name.iter().try_fold(within, |table, part| {
        let value = table.entry(*part).or_insert_with(|| Value::Table(Table::new()));
        value.as_table_mut().with_context(|| format!("{CONFIG}: {} is no table", name.join(".")))
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::config;

    #[test]
    fn only_the_place_of_the_report_differs() {
        let own = "[profile.ci]\nretries = 1\n\n[profile.ci.junit]\npath = \"other.xml\"\n\n[[profile.ci.overrides]]\n\
                   filter = \"all()\"\n\n[test-groups]\nkills = { max-threads = 1 }\n";
        let made: toml::Table = config(own, Path::new("/t/jobs/a")).unwrap().parse().unwrap();
        let mut expected: toml::Table = own.parse().unwrap();
        expected["profile"]["ci"]["junit"]["path"] = "junit.xml".into();
        expected.insert("store".to_owned(), toml::toml! { dir = "/t/jobs/a" }.into());
        assert_eq!(made, expected);
    }

    #[test]
    fn without_a_configuration_there_is_a_report() {
        assert_eq!(
            config("", Path::new("/t")).unwrap(),
            "[profile.ci.junit]\npath = \"junit.xml\"\n\n[store]\ndir = \"/t\"\n"
        );
        assert!(config("profile = 1", Path::new("/t")).is_err());
    }
}
