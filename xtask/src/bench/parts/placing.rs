//! The scheduler without a service: an example of `ashlar-common` measures it.

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::bench::{
    aims::PLACE,
    figures::{Figure, Unit},
    helpers::Helpers,
};

/// A line that the example prints, as JSON.
#[derive(Debug, Deserialize)]
struct Printed {
    pools: u64,
    what: String,
    p50_ms: f64,
}

/// How long one placement takes; nothing where the example is not there.
///
/// # Errors
/// The example fails, or prints something else.
pub fn measure(helpers: &Helpers) -> Result<Vec<Figure>> {
    helpers.place()?.map_or(Ok(Vec::new()), |text| read(&text))
}

/// The figures of the first two cases: what is configured if nothing is, and all there is. The first has the aim.
fn read(text: &str) -> Result<Vec<Figure>> {
    let lines = text.lines().map(|line| {
        serde_json::from_str::<Printed>(line).with_context(|| format!("the example `place` said {line:?}"))
    });
    let figures = lines.take(2).enumerate().map(|(index, printed)| {
        let Printed { pools, what, p50_ms } = printed?;
        let figure = Figure::new(format!("`place` over {pools} pools, {what}, p50"), p50_ms, Unit::Milliseconds);
        Ok(if index == 0 { figure.toward(PLACE) } else { figure })
    });
    figures.collect()
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn what_the_example_prints_is_read() {
        let text = r#"{"pools":7,"what":"the usual","p50_ms":0.5}
{"pools":7,"what":"everything","p50_ms":1.5}
{"pools":7,"what":"one of them","p50_ms":0.1}"#;
        let names: Vec<String> = read(text).unwrap().into_iter().map(|figure| figure.name).collect();
        assert_eq!(names, ["`place` over 7 pools, the usual, p50", "`place` over 7 pools, everything, p50"]);
        assert!(read("pools   fastest ms  median ms  what").is_err());
    }
}
