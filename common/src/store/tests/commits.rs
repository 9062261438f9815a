//! Commits that several transactions share.

use super::{Place, Store, insert, store, volume};
use crate::store::{
    Error, Tx,
    engine::{connection::Step, query},
    listing::Listing,
    records::VolumeRecord,
    schema::upgrade,
};

const CROWD: usize = 200;

async fn begin(store: &Store, record: &VolumeRecord) -> Tx {
    let mut tx = store.write().await.expect("its turn");
    tx.insert_volume(record).await.expect("inserted");
    tx
}

async fn count(store: &Store) -> usize {
    let everything = Listing { limit: 1000, ..Listing::default() };
    let count = store.read().await.expect("a view").count_volumes(&everything).await.expect("a count");
    usize::try_from(count).expect("few")
}

#[tokio::test]
async fn transactions_that_come_at_once_share_commits() {
    let (store, _place) = store().await;
    let writers: Vec<_> = (0..CROWD)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { begin(&store, &volume("x", 0)).await.commit().await })
        })
        .collect();
    for writer in writers {
        writer.await.expect("no panic").expect("committed");
    }
    let (transactions, commits) = store.commit_counts();
    assert_eq!((transactions, count(&store).await), (CROWD as u64, CROWD));
    assert!(commits <= CROWD as u64 / 4, "{transactions} transactions took {commits} commits");
}

#[tokio::test]
async fn who_is_undone_takes_nothing_of_those_who_share_the_commit_and_leaves_nothing() {
    let (store, _place) = store().await;
    let writers: Vec<_> = (0..CROWD)
        .map(|index| {
            let store = store.clone();
            tokio::spawn(async move {
                let tx = begin(&store, &volume("x", 0)).await;
                if index % 3 == 0 {
                    drop(tx);
                    return 0;
                }
                tx.commit().await.expect("committed");
                1
            })
        })
        .collect();
    let mut kept = 0;
    for writer in writers {
        kept += writer.await.expect("no panic");
    }
    assert_eq!(count(&store).await, kept);
}

#[tokio::test]
async fn a_statement_that_fails_undoes_its_own_transaction_only() {
    let (store, _place) = store().await;
    let taken = volume("taken", 0);
    insert(&store, std::slice::from_ref(&taken)).await;
    let writers: Vec<_> = (0..40)
        .map(|index| {
            let (store, taken) = (store.clone(), taken.clone());
            tokio::spawn(async move {
                let mut tx = begin(&store, &volume("x", 0)).await;
                if index % 2 == 0 {
                    let refused = match tx.insert_volume(&taken).await {
                        Ok(()) => tx.commit().await,
                        refused => refused,
                    };
                    let refused = refused.expect_err("the id is taken");
                    assert!(matches!(refused, Error::Database(_)), "{refused:?}");
                    return;
                }
                tx.commit().await.expect("committed");
            })
        })
        .collect();
    for writer in writers {
        writer.await.expect("no panic");
    }
    assert_eq!(count(&store).await, 1 + 20);
}

#[tokio::test]
async fn clients_that_go_away_keep_nobody_waiting() {
    let (store, _place) = store().await;
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..10 {
        let writers: Vec<_> = (0..50)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { begin(&store, &volume("x", 0)).await.commit().await })
            })
            .collect();
        for _ in 0..random.usize(0..20) {
            tokio::task::yield_now().await;
        }
        let told = writers.iter().map(|_| random.bool()).collect::<Vec<_>>();
        for (writer, stays) in writers.iter().zip(&told) {
            if !stays {
                writer.abort();
            }
        }
        for (writer, stays) in writers.into_iter().zip(told) {
            match writer.await {
                Ok(committed) => committed.expect("committed"),
                Err(gone) => assert!(gone.is_cancelled() && !stays, "{gone}"),
            }
        }
    }
    insert(&store, &[volume("after", 0)]).await;
}

#[tokio::test]
async fn a_queue_that_is_full_refuses_and_holds_what_it_took() {
    let (store, _place) = store().await;
    let first = begin(&store, &volume("first", 0)).await;
    let mut waiting = Vec::new();
    let refused = loop {
        assert!(waiting.len() < 100_000, "the queue has no bound");
        let mut next = Box::pin(store.write());
        // Polled once: it either waits in the queue or was refused.
        match futures_poll(next.as_mut()).await {
            None => waiting.push(next),
            Some(Err(error)) => break error,
            Some(Ok(_)) => panic!("a second writer beside the first"),
        }
    };
    assert!(matches!(refused, Error::Overloaded), "{refused:?}");
    assert_eq!(store.writers_waiting(), waiting.len());
    let first = tokio::spawn(first.commit());
    for next in waiting {
        drop(next.await.expect("its turn came"));
    }
    first.await.expect("no panic").expect("committed");
    assert_eq!(count(&store).await, 1);
}

/// What a future says when it is polled once.
async fn futures_poll<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        std::task::Poll::Ready(value) => std::task::Poll::Ready(Some(value)),
        std::task::Poll::Pending => std::task::Poll::Ready(None),
    })
    .await
}

#[tokio::test]
async fn a_part_that_never_began_cannot_undo_the_one_before() {
    let place = Place::new();
    let mut connection = upgrade(&place.location).await.expect("a store");
    connection.step(Step::BeginWrite).await.expect("begun");
    connection.step(Step::BeginPart).await.expect("begun");
    let kept = query("INSERT INTO findings VALUES ('b', 'k', 's', 'a', 'd', 0, 0, 0)");
    connection.later(kept).await.expect("sent");
    connection.step(Step::EndPart).await.expect("kept");
    // Something goes wrong before the next part is begun; on a server that spoils the whole transaction.
    connection.script("SELECT * FROM nothing_of_that_name").await.expect_err("there is no such table");
    let _ = connection.step(Step::BeginPart).await;
    if connection.step(Step::UndoPart).await.is_ok() {
        let rows = connection.fetch(&query("SELECT kind FROM findings"), |_| Ok(())).await.expect("an answer");
        assert_eq!(rows.len(), 1, "its maker was told that it is kept");
    }
}
