//! `ashlar schedule`: where a volume would go, and why.

use std::{io::Write, path::PathBuf};

use anyhow::{Context, Result, bail};
use ashlar_common::{
    config::Config,
    manager::{Question, explain},
    scheduler::{Explanation, Hints, Query},
    store::{Location, Store},
    units::ByteCount,
};
use clap::{Args, ValueEnum};

mod show;

/// The command line.
#[derive(Args, Clone, Debug)]
pub struct Asked {
    /// The configuration file
    #[arg(long)]
    config: PathBuf,
    /// The volume's size in GiB
    #[arg(long, value_name = "GIB")]
    size: u64,
    /// The name or id of its volume type; the default one where not given
    #[arg(long = "type", value_name = "TYPE")]
    volume_type: Option<String>,
    /// Its availability zone; the default one where not given
    #[arg(long)]
    zone: Option<String>,
    /// A scheduler hint, such as same_host=ID or query=JSON; may be given more than once
    #[arg(long = "hint", value_name = "KEY=VALUE")]
    hints: Vec<String>,
    /// Several clients will hold it at once
    #[arg(long)]
    multiattach: bool,
    /// The request's id, from which ChanceWeigher draws
    #[arg(long, default_value = "", hide_default_value = true)]
    request_id: String,
    /// Every pool, with the filter it fell at and why, or its score from each weigher
    #[arg(long)]
    explain: bool,
    /// How it is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How an answer is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Text,
    Json,
}

/// Prints the pool, or with `--explain` all of them, and fails if no pool fits.
///
/// # Errors
/// When no pool fits, when the question makes no sense, or when the store cannot be read.
pub async fn schedule(asked: &Asked) -> Result<()> {
    let config = Config::load(&asked.config)?;
    let location = config.store_location();
    if let Location::File(path) = &location
        && !path.exists()
    {
        bail!("there is no store at {}: pools are known once `ashlar serve` has run", path.display());
    }
    let store = Store::open(&location).await.context("the store cannot be opened")?;
    let answer = explain(&store, &config, question(asked)?).await;
    store.close().await;
    let answer = answer?;
    write!(std::io::stdout(), "{}", rendered(&answer, asked))?;
    if answer.chosen().is_none() {
        bail!("no pool fits");
    }
    Ok(())
}

fn rendered(answer: &Explanation, asked: &Asked) -> String {
    match (asked.format, asked.explain) {
        (Format::Json, _) => format!("{:#}\n", show::json(answer)),
        (Format::Text, true) => show::text(answer),
        (Format::Text, false) => answer.chosen().map_or_else(String::new, |pool| format!("{pool}\n")),
    }
}

fn question(asked: &Asked) -> Result<Question> {
    let size = ByteCount::from_gib(asked.size).ok().filter(|size| *size != ByteCount::ZERO);
    Ok(Question {
        size: size.with_context(|| format!("--size {} is not a size in GiB", asked.size))?,
        volume_type: asked.volume_type.clone(),
        availability_zone: asked.zone.clone(),
        hints: hints(&asked.hints)?,
        multi_attach: asked.multiattach,
        request_id: asked.request_id.clone(),
    })
}

/// Hints as the clients of the API write them on their command lines; the volumes' hints may be repeated.
fn hints(asked: &[String]) -> Result<Hints> {
    let mut hints = Hints::default();
    for hint in asked {
        let (key, value) = hint.split_once('=').with_context(|| format!("--hint {hint} is not KEY=VALUE"))?;
        let wrong = || format!("--hint {key}: {value:?} is not an id");
        match key {
            "same_host" => hints.same_host.push(value.parse().with_context(wrong)?),
            "different_host" => hints.different_host.push(value.parse().with_context(wrong)?),
            "local_to_instance" => hints.local_to_instance = Some(value.parse().with_context(wrong)?),
            "query" => hints.query = Some(Query::read(value).context("--hint query")?),
            _ => bail!("--hint {key} is not known: known are same_host, different_host, local_to_instance, query"),
        }
    }
    Ok(hints)
}

#[cfg(test)]
mod tests {
    use super::hints;

    #[test]
    fn hints_are_read_as_clients_write_them() {
        let id = "6d9c2b0e-7d0f-4c58-9a0e-0d7c1d1f8b1a";
        let asked =
            [format!("same_host={id}"), format!("same_host={id}"), "query=[\"=\", \"$pool_name\", \"a\"]".into()];
        let read = hints(&asked).expect("good");
        assert!(read.same_host.len() == 2 && read.query.is_some());
        for bad in ["same_host", "same_host=x", "query=[", "force_host=x"] {
            assert!(hints(&[bad.to_owned()]).is_err(), "{bad}");
        }
    }
}
