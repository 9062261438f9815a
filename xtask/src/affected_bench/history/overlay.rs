//! Today's job table, fitted to the packages of another day. Pure.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use toml::{Table, Value};

/// Leaves out of `today` the jobs of packages that are not among `members`, gives a job to each member without one, and
/// leaves out what names a job that is gone. A job that packages bring is one of those that every member may have.
pub(super) fn fitted(today: &str, members: &BTreeSet<String>) -> Result<String> {
    let mut table: Table = toml::from_str(today).context("ci/jobs.toml is wrong")?;
    table.remove("package-job");
    let mut jobs: Vec<Value> = match table.remove("job") {
        Some(Value::Array(jobs)) => jobs,
        _ => Vec::new(),
    };
    jobs.retain(|job| packages(job).all(|package| members.contains(package)));
    let covered: BTreeSet<String> = jobs.iter().flat_map(packages).map(str::to_owned).collect();
    jobs.extend(members.difference(&covered).map(|member| {
        let mut job = Table::new();
        job.insert("name".to_owned(), member.as_str().into());
        job.insert("packages".to_owned(), vec![member.as_str()].into());
        job.into()
    }));
    let names: BTreeSet<String> = jobs.iter().filter_map(|job| job.get("name")?.as_str()).map(str::to_owned).collect();
    let gate = names.first().context("there is no package")?.clone();
    if let Some(Value::Array(rules)) = table.get_mut("rule") {
        for rule in rules.iter_mut().filter_map(Value::as_table_mut) {
            if let Some(Value::Array(named)) = rule.get_mut("jobs") {
                named.retain(|job| job.as_str().is_some_and(|job| names.contains(job)));
            }
        }
    }
    table.insert("job".to_owned(), Value::Array(jobs));
    table.insert("default-gate".to_owned(), gate.into());
    toml::to_string(&table).context("the fitted table cannot be written")
}

fn packages(job: &Value) -> impl Iterator<Item = &str> {
    job.get("packages").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::{BTreeSet, fitted};

    #[test]
    fn every_package_that_was_there_has_a_job_and_no_other_has() {
        let today = "default-gate = \"gone\"\n[[job]]\nname = \"all\"\npackages = [\"a\"]\n[[job]]\nname = \"gone\"\n\
                     packages = [\"x\"]\n[[rule]]\npaths = [\"p\"]\njobs = [\"all\", \"gone\"]\nwhy = \"w\"\n";
        let members: BTreeSet<String> = ["a", "b"].map(str::to_owned).into();
        let table: toml::Table = toml::from_str(&fitted(today, &members).unwrap()).unwrap();
        let names: Vec<&str> =
            table["job"].as_array().unwrap().iter().map(|job| job["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["all", "b"]);
        assert_eq!(table["rule"][0]["jobs"].as_array().unwrap().len(), 1);
        assert_eq!(table["default-gate"].as_str(), Some("all"));
    }
}
