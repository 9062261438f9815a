//! The scheduler without a service: an example of `ashlar-common` measures it.

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::bench::{
    aims::PLACE,
    figures::{Figure, Unit},
    helpers::Helpers,
};

/// What the example prints, as JSON.
#[derive(Debug, Deserialize)]
struct Printed {
    pools: u64,
    p50_ms: f64,
}

/// How long one placement takes; nothing where the example is not there.
///
/// # Errors
/// The example fails, or prints something else.
pub fn measure(helpers: &Helpers) -> Result<Option<Figure>> {
    let Some(text) = helpers.place()? else { return Ok(None) };
    let printed: Printed = serde_json::from_str(&text).with_context(|| format!("the example `place` said {text:?}"))?;
    let name = format!("`place` over {} pools, p50", printed.pools);
    Ok(Some(Figure::new(name, printed.p50_ms, Unit::Milliseconds).toward(PLACE)))
}
