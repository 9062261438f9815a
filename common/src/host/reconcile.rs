//! What does not fit together on one backend, for people: looked at anew, beside the host that serves it.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    describe,
    main::{Configured, DIFFERENT, DriverProgram, Failure, UNUSABLE, open},
};
use crate::{
    chain::chain,
    config,
    driver::OpCtx,
    findings::{Decision, Finding, Kind, Policy, decide},
    ids::OpId,
    manager::{
        ImageStore,
        reconcile::{
            Error, Look,
            apply::{Applied, By, apply},
            round::TIMEOUT,
        },
    },
    store::{Store, findings::Noted},
};

/// Prints the findings. With `apply` they are noted in the store, and what was seen before, long enough ago, is mended:
/// records at once, the backend by operations that its host carries out.
pub(super) async fn reconcile<P: DriverProgram>(configured: Configured<P>, wanted: bool) -> Result<(), Failure> {
    let (config, backend) = (configured.config.clone(), configured.name.clone());
    let driver = open::<P>(configured).await?;
    let unusable = |error: &dyn std::error::Error| Failure(format!("store: {}", chain(error)), UNUSABLE);
    let store = Store::open(&config.store_location()).await.map_err(|error| unusable(&error))?;
    let ctx = OpCtx::new(OpId::new(), TIMEOUT, CancellationToken::new());
    let images = config.images.as_ref().map(|images| ImageStore::new(images.directory.clone()));
    let look = Look { store: &store, driver: driver.as_ref(), backend: &backend, images: images.as_ref(), ctx: &ctx };
    let shown = show(&look, &config.host.reconcile, wanted).await.map_err(|error| Failure(chain(&error), UNUSABLE))?;
    let open = shown.iter().filter(|finding| !is_mended(finding)).count();
    describe::print(&json!({ "backend": backend, "findings": shown }))?;
    if open == 0 { Ok(()) } else { Err(Failure(format!("{open} findings are not mended"), DIFFERENT)) }
}

async fn show(look: &Look<'_>, settings: &config::Reconcile, wanted: bool) -> Result<Vec<Value>, Error> {
    let found = look.findings().await?;
    let known = known(look).await?;
    if wanted {
        let mut tx = look.store.write().await?;
        tx.note_findings(look.backend, &found, look.store.now()).await?;
        tx.commit().await?;
    }
    let mut shown = Vec::new();
    for mut finding in found {
        let before = known.get(&(finding.kind, finding.about.id()));
        finding.ours |= before.is_some_and(|before| before.finding.ours);
        let since = before.map_or(Duration::ZERO, |before| {
            look.store.now().duration_since(before.first_seen).try_into().unwrap_or(Duration::ZERO)
        });
        // A person who asks for it is the policy.
        let decision = decide(&finding, Policy::Clean, before.is_some(), since, settings.grace());
        let applied = match decision {
            Decision::Clean if wanted => Some(apply(look, By::Operator, &finding).await?),
            _ => None,
        };
        shown.push(row(&finding, settings.policy(finding.kind), decision, since, applied));
    }
    Ok(shown)
}

/// What earlier looks have noted.
async fn known(look: &Look<'_>) -> Result<BTreeMap<(Kind, String), Noted>, Error> {
    let noted = look.store.read().await?.findings(look.backend).await?;
    Ok(noted.into_iter().map(|noted| ((noted.finding.kind, noted.finding.about.id()), noted)).collect())
}

fn row(finding: &Finding, policy: Policy, decision: Decision, since: Duration, applied: Option<Applied>) -> Value {
    json!({
        "kind": finding.kind,
        "id": finding.about.id(),
        "detail": finding.detail,
        "ours": finding.ours,
        "policy": policy,
        "known_for_seconds": since.as_secs(),
        "apply": decision,
        "action": finding.kind.cleaned(),
        "applied": applied,
    })
}

fn is_mended(row: &Value) -> bool {
    !row["applied"].is_null() && row["applied"] != json!(Applied::Stale)
}
