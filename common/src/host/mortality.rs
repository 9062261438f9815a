//! A process that dies where a test wants it to: only in builds for tests, and only when it is told so on its start.

use clap::Args;

#[cfg(debug_assertions)]
use crate::{points::Point, store::Surroundings};

use crate::store::Store;

/// Where this process dies, if anywhere.
#[derive(Args, Clone, Debug, Default)]
pub struct Mortality {
    /// Where it kills itself, and how often it gets past that point before, as `host.performed:0`: for tests of recovery
    #[cfg(debug_assertions)]
    #[arg(long, hide = true, env = "ASHLAR_DIE_AT", value_parser = death)]
    die_at: Option<(Point, u32)>,
}

impl Mortality {
    /// The store, as this process sees it.
    #[must_use]
    pub fn of(&self, store: Store) -> Store {
        #[cfg(debug_assertions)]
        if let Some((point, after)) = self.die_at {
            return store.within(Surroundings::Mortal { point, after: after.into() });
        }
        store
    }

    /// What hosts must be told to die there: the arguments, if the point is one of theirs.
    #[must_use]
    pub fn of_hosts(&self) -> Vec<String> {
        #[cfg(debug_assertions)]
        if let Some((point, after)) = self.die_at.filter(|(point, _)| point.name().starts_with("host.")) {
            return vec!["--die-at".to_owned(), format!("{point}:{after}")];
        }
        Vec::new()
    }
}

#[cfg(debug_assertions)]
fn death(text: &str) -> Result<(Point, u32), String> {
    let (point, after) = text.split_once(':').unwrap_or((text, "0"));
    let point = point.parse().map_err(|error: crate::points::UnknownPoint| error.to_string())?;
    Ok((point, after.parse().map_err(|_| format!("{after:?} is not a number"))?))
}
