//! What a hundred thousand volumes change.

use anyhow::{Context, Result, ensure};

use super::{lists::pages, starts};
use crate::bench::{
    aims::{Goal, LAST_PAGE, START},
    figures::Figure,
    load::create,
    run::Stage,
    subject::Subject,
};

/// Starting, the last page, and creating one after another.
///
/// # Errors
/// The service does not do one of them.
pub fn measure(stage: &mut Stage<'_>) -> Result<()> {
    let (count, size) = (stage.run.size.many, stage.run.size);
    let mut subject = stage.subject("many")?;
    // The host must have been heard of, or nothing could be placed on its pool.
    subject.start()?;
    subject.wait_ready()?;
    subject.stop()?;
    stage.say(&format!("writing {count} volumes into the store"));
    stage.run.helpers.fill(&subject.config(), "volumes", count)?;
    let times = starts::times(stage, &mut subject)?;
    let [p50, p95, _] = Figure::percentiles(&format!("start to healthy, {count} volumes"), &times, START);
    stage.figures.extend([p50, p95]);
    subject.wait_ready()?;
    last_page(stage, &subject)?;
    stage.say(&format!("creating, 1 client, {count} volumes there"));
    let load = create(subject.requests, size.alone / 3, 1, stage.run.stop)?;
    let name = format!("create to available, 1 client, {count} volumes there");
    let [p50, p95, _] = Figure::percentiles(&name, &load.ended, Goal::NONE);
    stage.figures.extend([p50, p95]);
    subject.stop()
}

/// The marker is the id before the page; clients that page through have it from the page before. Here it is asked for
/// by its place in the list, once.
fn last_page(stage: &mut Stage<'_>, subject: &Subject<'_>) -> Result<()> {
    let (count, page) = (stage.run.size.many, stage.run.size.page);
    let before = format!("volumes?limit=1&offset={}", count - page - 1);
    let marker = subject.api.get(&before)?;
    let marker = marker["volumes"][0]["id"].as_str().context("the list ends before its last page")?.to_owned();
    let path = format!("volumes/detail?limit={page}&marker={marker}");
    pages(stage, subject, &format!("GET volumes/detail, the last {page} of {count}"), &path, LAST_PAGE)?;
    let rest = subject.api.get(&format!("volumes?limit={page}&marker={marker}&offset={page}"))?;
    ensure!(rest["volumes"].as_array().is_some_and(Vec::is_empty), "the page measured was not the last");
    Ok(())
}
