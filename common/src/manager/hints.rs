//! Scheduler hints looked up: where the volumes are that they name, and where the instance runs.
//!
//! A hint that cannot be followed is refused with its name. Cinder drops it where its filter is not configured, and lets
//! every pool fall where it names something that does not exist.

use super::refusal::{Refusal, Result};
use crate::{
    ids::VolumeId,
    scheduler::{Affinity, Filter, Hints, Placement, Policy},
    store::{
        Tx,
        listing::{Column, Filter as Where, Listing},
    },
};

/// Volumes that one hint may name.
pub const MOST_VOLUMES: usize = 100;
/// Attachments of one instance that are looked at; an instance has one a disk.
const MOST_ATTACHMENTS: u32 = 1000;

/// What the hints ask for. Volumes and attachments are those of the project; of any where `None`.
///
/// # Errors
/// [`Refusal::Invalid`] with the name of the hint.
pub(super) async fn looked_up(
    tx: &mut Tx,
    project_id: Option<&str>,
    hints: Hints,
    policy: &Policy,
) -> Result<Affinity> {
    applied(&hints, policy)?;
    let machines = match hints.local_to_instance {
        Some(instance) => Some(machines(tx, project_id, &instance.to_string()).await?),
        None => None,
    };
    Ok(Affinity {
        same: places(tx, project_id, "same_host", &hints.same_host).await?,
        different: places(tx, project_id, "different_host", &hints.different_host).await?,
        machines,
        query: hints.query,
    })
}

/// Whether the configuration has the filter of each hint.
fn applied(hints: &Hints, policy: &Policy) -> Result<()> {
    let asked = [
        ("same_host", !hints.same_host.is_empty(), Filter::SameBackend),
        ("different_host", !hints.different_host.is_empty(), Filter::DifferentBackend),
        ("local_to_instance", hints.local_to_instance.is_some(), Filter::InstanceLocality),
        ("query", hints.query.is_some(), Filter::Json),
    ];
    match asked.into_iter().find(|(_, asked, filter)| *asked && !policy.applies(*filter)) {
        None => Ok(()),
        Some((hint, _, filter)) => Err(Refusal::Invalid(format!(
            "the scheduler hint {hint} is not followed here: it takes {} in filters of [scheduler]",
            filter.name()
        ))),
    }
}

/// Where these volumes are; a volume that was never placed is nowhere.
async fn places(
    tx: &mut Tx,
    project_id: Option<&str>,
    hint: &str,
    volumes: &[VolumeId],
) -> Result<Option<Vec<Placement>>> {
    if volumes.is_empty() {
        return Ok(None);
    }
    if volumes.len() > MOST_VOLUMES {
        let why = format!("the scheduler hint {hint} names more than {MOST_VOLUMES} volumes");
        return Err(Refusal::Invalid(why));
    }
    let mut places = Vec::new();
    for id in volumes {
        let found = tx.volume(*id).await?;
        let own = found.filter(|volume| project_id.is_none_or(|project| volume.project_id == project));
        let Some(volume) = own else {
            let why = format!("the scheduler hint {hint} names volume {id}, which could not be found");
            return Err(Refusal::Invalid(why));
        };
        places.extend(volume.place.map(|place| Placement { backend: place.backend, pool: place.pool }));
    }
    places.sort();
    places.dedup();
    Ok(Some(places))
}

/// Where the instance runs, by what its attachments say: there is no compute service to ask.
async fn machines(tx: &mut Tx, project_id: Option<&str>, instance: &str) -> Result<Vec<String>> {
    let listing = Listing {
        project_id: project_id.map(str::to_owned),
        filters: vec![Where::Is(Column::InstanceId, vec![instance.to_owned()])],
        limit: MOST_ATTACHMENTS,
        ..Listing::default()
    };
    let attachments = tx.list_attachments(&listing).await?;
    let hosts = attachments.iter().filter_map(|attachment| attachment.connector.as_ref()?.host());
    let mut machines: Vec<String> = hosts.map(str::to_owned).collect();
    machines.sort();
    machines.dedup();
    if machines.is_empty() {
        return Err(Refusal::Invalid(format!(
            "the scheduler hint local_to_instance names instance {instance}, and no attachment says where it runs"
        )));
    }
    Ok(machines)
}
