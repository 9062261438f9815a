//! What they do.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use ashlar_common::{
    connector::{self, Attached, Connectors},
    driver::OpCtx,
    ids::OpId,
};
use tokio_util::sync::CancellationToken;

use super::{
    api::Api,
    options::{AttachOptions, AttachedOptions, DetachOptions, Service},
    report,
    state::{Record, State, Turn},
};

/// How long the service may be at a request whose client died.
const AT_IT: Duration = Duration::from_secs(1);
/// More attachments than one mark can come to have: one for each time that an answer was lost.
const MOST: u32 = 100;

/// The exit code for a volume that is in use on this host.
pub const IN_USE: u8 = 4;

/// Makes a volume a device of this host, and prints its path.
///
/// # Errors
/// Whatever stands in the way.
pub async fn attach(options: &AttachOptions) -> Result<()> {
    let (ctx, state) = (options.patience.ctx(), State::at(options.local.folder()?));
    let place = options.service.place()?;
    let api = Api::new(place.0.clone(), place.1.clone(), options.patience.limit());
    let volume = api.volume(&options.volume)?;
    let turn = state.turn(&ctx, volume.id)?;
    let connectors = Connectors::default();
    let mut record = match turn.read()? {
        Some(record) if record.read_only != options.read_only => {
            let mode = if record.read_only { "reading only" } else { "reading and writing" };
            bail!("volume {} is attached here for {mode}: ashlar detach {} first", volume.id, volume.id);
        }
        Some(record) if (&record.endpoint, &record.project) != (&place.0, &place.1) => bail!(
            "volume {} is attached here by the service at {}, project {}: ashlar detach {} first",
            volume.id,
            record.endpoint,
            record.project,
            volume.id
        ),
        Some(record) => record,
        None => Record::new(volume.id, volume.name, place, options.read_only),
    };
    turn.write(&record)?;
    let connected = export(&ctx, &api, &turn, &connectors, &mut record).await;
    let status = match connected {
        Ok(status) => status,
        Err(error) => return Err(given_up(&ctx, &api, &turn, &connectors, &record, error).await),
    };
    let attached = match connect(&ctx, &connectors, &record).await {
        Ok(attached) => attached,
        Err(error) => return Err(given_up(&ctx, &api, &turn, &connectors, &record, error).await),
    };
    record.path = Some(attached.path.clone());
    turn.write(&record)?;
    if status != "attached"
        && let Some(id) = &record.attachment_id
    {
        api.complete(id).context("the volume is attached, but the service does not know yet: attach again")?;
    }
    report::device(options.format, &record, &attached)
}

/// Sees to it that the service exports the volume to this host, and remembers how. Answers the attachment's status.
async fn export(
    ctx: &OpCtx,
    api: &Api,
    turn: &Turn<'_>,
    connectors: &Connectors,
    record: &mut Record,
) -> Result<String> {
    let mut found = api.claimed(ctx, &record.claim)?;
    if let Some(failed) = found.take_if(|found| !found.is_usable()) {
        api.end(ctx, &failed.id).context("an attachment that failed before cannot be removed")?;
    }
    if found.is_none() && record.connection.is_some() {
        // What is left of it here opens nothing, or even something else.
        report::note("the service has ended the attachment that was here; it is made anew");
        clear(ctx, connectors, record).await?;
        let place = (record.endpoint.clone(), record.project.clone());
        *record = Record::new(record.volume_id, record.volume_name.clone(), place, record.read_only);
        turn.write(record)?;
    }
    let found = match found {
        Some(found) => found,
        None => {
            let properties = connectors.properties()?;
            let asked = api.attach(record.volume_id, &record.claim, record.read_only, &properties);
            // Without an answer it may have been made all the same.
            match (api.claimed(ctx, &record.claim), asked) {
                (Ok(Some(found)), _) => found,
                (Ok(None), Err(error)) | (Err(_), Err(error)) => return Err(error),
                (Ok(None), Ok(())) => bail!("the attachment was ended by somebody else meanwhile: try again"),
                (Err(error), Ok(())) => return Err(error),
            }
        }
    };
    record.attachment_id = Some(found.id);
    if found.connection.is_none() {
        bail!(
            "the service could not export the volume, and says {}: see `openstack volume message list`",
            found.status
        );
    }
    record.connection = found.connection;
    // Before anything is done by it: it is what a detach needs.
    turn.write(record)?;
    Ok(found.status)
}

async fn connect(ctx: &OpCtx, connectors: &Connectors, record: &Record) -> Result<Attached> {
    let connection = record.connection.as_ref().context("the service told no connection")?;
    Ok(connectors.attach(ctx, connection).await?)
}

/// Takes a first attach that failed apart. One that worked before stays: somebody may use it.
async fn given_up(
    ctx: &OpCtx,
    api: &Api,
    turn: &Turn<'_>,
    connectors: &Connectors,
    record: &Record,
    error: anyhow::Error,
) -> anyhow::Error {
    if record.path.is_some() {
        return error;
    }
    let undo = async {
        clear(ctx, connectors, record).await?;
        // By its mark: of one whose making was not answered, nothing else is known.
        end_all(ctx, api, record)?;
        turn.remove()
    };
    match undo.await {
        Ok(()) => error,
        Err(left) => error.context(format!(
            "not attached, and not all of it is undone yet ({left:#}): `ashlar attach` goes on, `ashlar detach` ends it"
        )),
    }
}

/// Leaves nothing on this host of what cannot be used any more.
async fn clear(ctx: &OpCtx, connectors: &Connectors, record: &Record) -> Result<()> {
    if let Some(connection) = &record.connection {
        connectors.abandon(ctx, connection).await?;
    }
    Ok(())
}

/// Flushes a volume, takes it from this host, and ends its attachment.
///
/// # Errors
/// Whatever stands in the way.
pub async fn detach(options: &DetachOptions) -> Result<()> {
    let (ctx, state) = (options.patience.ctx(), State::at(options.local.folder()?));
    let Some(remembered) = remembered(&state, &options.volume, &options.service, options)? else {
        report::note("the volume is not attached here");
        return state.sweep(&OpCtx::new(OpId::new(), Duration::ZERO, CancellationToken::new()));
    };
    let turn = state.turn(&ctx, remembered.volume_id)?;
    let Some(record) = turn.read()? else { return turn.remove() };
    let connectors = Connectors::default();
    if let Some(connection) = &record.connection {
        let ended = match options.force {
            true => connectors.abandon(&ctx, connection).await?,
            false => connectors.detach(&ctx, connection).await?,
        };
        if let Some(why) = ended.unflushed {
            report::lost(record.path.as_deref(), &why);
        }
    }
    let api = Api::new(record.endpoint.clone(), record.project.clone(), options.patience.limit());
    let left = "the volume is off this host, but the service does not know yet: detach again";
    end_all(&ctx, &api, &record).context(left)?;
    turn.remove()
}

/// Ends what the service has under the record's mark.
fn end_all(ctx: &OpCtx, api: &Api, record: &Record) -> Result<()> {
    for attempt in 0..MOST {
        match api.claimed(ctx, &record.claim)? {
            Some(found) => api.end(ctx, &found.id)?,
            // Asked for by a process that died before the answer: the service may be at it still.
            None if attempt == 0 && record.attachment_id.is_none() => std::thread::sleep(AT_IT),
            None => break,
        }
    }
    Ok(())
}

/// The record of a volume by its id or name; by the service's word where the name is not what it was.
fn remembered(state: &State, named: &str, service: &Service, options: &DetachOptions) -> Result<Option<Record>> {
    let records = state.list()?;
    let by_id = records.iter().find(|record| record.volume_id.to_string() == named.to_ascii_lowercase());
    if let Some(record) = by_id {
        return Ok(Some(record.clone()));
    }
    let by_name: Vec<_> = records.iter().filter(|record| record.volume_name == named).collect();
    match by_name.as_slice() {
        [one] => Ok(Some((*one).clone())),
        [] => {
            let (endpoint, project) = service.place()?;
            let id = Api::new(endpoint, project, options.patience.limit()).volume(named)?.id;
            Ok(records.into_iter().find(|record| record.volume_id == id))
        }
        several => {
            let ids: Vec<_> = several.iter().map(|record| record.volume_id.to_string()).collect();
            bail!("{} volumes named {named:?} are attached here: say which by its id: {}", ids.len(), ids.join(", "))
        }
    }
}

/// Prints what is attached here.
///
/// # Errors
/// A record that cannot be read.
pub fn attached(options: &AttachedOptions) -> Result<()> {
    report::list(options.format, &State::at(options.local.folder()?).list()?)
}

/// Whether the volume is in use here, and was therefore left as it is.
#[must_use]
pub fn is_in_use(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref::<connector::Error>(), Some(connector::Error::InUse { .. }))
}
