//! What must hold when nothing is at work: of the records, of the backends, and between them.

use std::{
    fs,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use ashlar_common::store::Store;

use crate::{
    api::{Answer, Api},
    keep::Keeper,
    site::Site,
    truth::{list, text},
};

/// Nothing takes a tenth of this; what is at work for longer is stuck.
pub const PATIENCE: Duration = Duration::from_secs(180);
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Operations that are logged and have not ended.
///
/// # Errors
/// The store does not answer.
pub async fn open_operations(store: &Store) -> Result<u64> {
    let counts = store.read().await?.operation_counts().await?;
    Ok(counts.iter().filter(|(_, phase, _)| phase == "pending" || phase == "running").map(|row| row.2).sum())
}

/// Waits until every API process answers and every operation has ended, and then ends the attachments that clients were
/// cut off from. Says how long it took until the operations had ended.
///
/// # Errors
/// Something never ends.
pub async fn settle(store: &Store, api: &Api, keeper: &Keeper) -> Result<Duration> {
    let started = Instant::now();
    until("each process to go on", || Ok(keeper.all().iter().all(|kept| kept.pid().is_some() && !kept.is_still())))
        .await?;
    for which in 0..api.count() {
        until("an API process to answer", || Ok(matches!(api.send(which, "GET", "/limits", None), Answer::Done(_))))
            .await?;
    }
    all_ended(store).await?;
    let took = started.elapsed();
    for attachment in list(api, "attachments")? {
        let path = format!("/attachments/{}", text(&attachment, "/id")?);
        match api.send(0, "DELETE", &path, None) {
            Answer::Done(_) | Answer::Refused(404, _) => {}
            other => bail!("an attachment that nobody uses cannot be ended: {other:?}: {attachment}"),
        }
    }
    all_ended(store).await?;
    Ok(took)
}

async fn all_ended(store: &Store) -> Result<()> {
    let started = Instant::now();
    loop {
        let open = open_operations(store).await?;
        if open == 0 {
            return Ok(());
        }
        if started.elapsed() > PATIENCE {
            bail!("{open} operations never end");
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Waits until it is so.
///
/// # Errors
/// It never is.
pub async fn until(what: &str, is_so: impl Fn() -> Result<bool>) -> Result<()> {
    let started = Instant::now();
    while !is_so()? {
        if started.elapsed() > PATIENCE {
            bail!("waited in vain for {what}");
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(())
}

/// Records against records, records against backends, and what must not lie on a backend. The faults that are found.
///
/// # Errors
/// The store or a backend cannot be asked.
pub async fn sound(store: &Store, site: &Site) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    let mut tx = store.read().await?;
    let (counted, added_up) = (tx.pool_use().await?, tx.pool_use_by_records().await?);
    drop(tx);
    if counted != added_up {
        faults.push(format!("pools count for {counted:?}, and by their records for {added_up:?}"));
    }
    for backend in site.backends() {
        let differences = site.differences(backend).await?;
        let none = |list: &serde_json::Value| list.as_array().is_some_and(Vec::is_empty);
        if !differences.as_object().is_some_and(|lists| lists.values().all(none)) {
            faults.push(format!("records and backend {} differ: {differences}", backend.name));
        }
        let left = backend.ground.left_over()?;
        faults.extend(left.into_iter().map(|what| format!("left over on {}: {what}", backend.name)));
    }
    Ok(faults)
}

/// Processes that name the site in their arguments: there are as many as are kept, and none afterwards.
///
/// # Errors
/// `/proc` cannot be read.
pub fn processes(site: &Site) -> Result<Vec<u32>> {
    let config = site.config();
    let config = config.as_os_str().as_encoded_bytes();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let words = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if words.split(|byte| *byte == 0).any(|word| word == config) {
            found.push(pid);
        }
    }
    Ok(found)
}
