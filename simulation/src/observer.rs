//! A look at what is committed, by somebody who is no part of the world.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use ashlar_common::{
    ids::OpId,
    store::{
        Error, Store,
        listing::Listing,
        members::MemberRecord,
        pool_use::PoolUse,
        records::{AttachmentRecord, MessageRecord, Operation, SnapshotRecord, VolumeRecord},
    },
};

/// All records, of one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct View {
    pub(crate) volumes: Vec<VolumeRecord>,
    pub(crate) snapshots: Vec<SnapshotRecord>,
    pub(crate) attachments: Vec<AttachmentRecord>,
    pub(crate) messages: Vec<MessageRecord>,
    pub(crate) members: Vec<MemberRecord>,
    /// What each pool is counted to have promised, and what its records add up to.
    pub(crate) counted: Vec<PoolUse>,
    pub(crate) added_up: Vec<PoolUse>,
    /// The log, by its order.
    pub(crate) log: Vec<(u64, Operation)>,
    index: BTreeMap<OpId, usize>,
}

impl View {
    pub(crate) fn operation(&self, id: OpId) -> Option<&(u64, Operation)> {
        self.index.get(&id).map(|index| &self.log[*index])
    }

    pub(crate) fn operation_of(&self, request: &str) -> Option<&Operation> {
        self.log.iter().map(|(_, operation)| operation).find(|operation| operation.request_id == request)
    }
}

/// Reads everything; `None` while somebody is writing: nothing can be said then.
pub(crate) fn look(store: &Store) -> Option<Result<View, Error>> {
    // The database is in memory, so that a read either ends at once or waits for a writer.
    let mut reading = pin!(read(store));
    match reading.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(view) => Some(view),
        Poll::Pending => None,
    }
}

async fn read(store: &Store) -> Result<View, Error> {
    let all = Listing { limit: 10_000, ..Listing::default() };
    let mut tx = store.read().await?;
    let log = tx.whole_log().await?;
    let index = log.iter().enumerate().map(|(index, (_, operation))| (operation.id, index)).collect();
    Ok(View {
        volumes: tx.list_volumes(&all).await?,
        snapshots: tx.list_snapshots(&all).await?,
        attachments: tx.list_attachments(&all).await?,
        messages: tx.list_messages(&all).await?,
        members: tx.members().await?,
        counted: tx.pool_use().await?,
        added_up: tx.pool_use_by_records().await?,
        log,
        index,
    })
}
