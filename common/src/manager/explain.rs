//! Where a volume would go and why, asked by an operator. Nothing is changed.

use super::{
    hints,
    pools::Scheduling,
    refusal::{Refusal, Result},
};
use crate::{
    config::Config,
    ids::TypeId,
    scheduler::{self, Explanation, Hints, Request, VolumeFacts},
    store::{Store, Tx, records::TypeRecord},
    units::ByteCount,
};

/// A volume that somebody might ask for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Question {
    /// Its size.
    pub size: ByteCount,
    /// The name or id of its type; the service's default type where not given.
    pub volume_type: Option<String>,
    /// Its zone; the service's where not given.
    pub availability_zone: Option<String>,
    /// Its hints, about things of any project.
    pub hints: Hints,
    /// Whether several clients will hold it.
    pub multi_attach: bool,
    /// What the Chance weigher draws from.
    pub request_id: String,
}

/// Decides as a request would be decided now, from what is in the store.
///
/// # Errors
/// As a request would be refused; never for want of a pool.
pub async fn explain(store: &Store, config: &Config, question: Question) -> Result<Explanation> {
    let scheduling = Scheduling::of(config);
    let mut tx = store.read().await?;
    let kind = find_type(&mut tx, question.volume_type, &config.api.default_volume_type).await?;
    let affinity = hints::looked_up(&mut tx, None, question.hints, &scheduling.policy).await?;
    let extra_specs = kind.as_ref().map(|kind| kind.extra_specs.clone()).unwrap_or_default();
    let request = Request {
        id: question.request_id,
        size: question.size,
        availability_zone: Some(question.availability_zone.unwrap_or_else(|| config.api.availability_zone.clone())),
        multi_attach: question.multi_attach || super::create::asks_multi_attach(&extra_specs),
        extra_specs,
        affinity,
        volume: VolumeFacts {
            type_id: kind.as_ref().map(|kind| kind.id.to_string()),
            type_name: kind.map(|kind| kind.name),
            ..VolumeFacts::default()
        },
        ..Request::default()
    };
    let pools = scheduling.views_by_dates(&mut tx, store.now()).await?;
    Ok(scheduler::explain(&pools, &request, &scheduling.policy))
}

/// The type of this name or id; where none is asked for, the default one if there is such.
async fn find_type(tx: &mut Tx, asked: Option<String>, default: &str) -> Result<Option<TypeRecord>> {
    let Some(asked) = asked else { return Ok(tx.volume_type_named(default).await?) };
    let by_id = match asked.parse::<TypeId>() {
        Ok(id) => tx.volume_type(id).await?,
        Err(_) => None,
    };
    match by_id {
        Some(kind) => Ok(Some(kind)),
        None => tx.volume_type_named(&asked).await?.map(Some).ok_or_else(|| Refusal::not_found("volume type", asked)),
    }
}
