//! What pools count for, against what their volumes say.

use std::time::Duration;

use jiff::Timestamp;

use super::{Store, store, volume};
use crate::{
    ids::VolumeId,
    state::VolumeState,
    stats::{BackendStats, Capacity, PoolStats, Provisioning},
    store::{
        Tx,
        hosts::Asked,
        members::Joining,
        records::{Moment, Place, VolumeRecord},
    },
    units::ByteCount,
};

fn placed(random: &mut fastrand::Rng) -> VolumeRecord {
    let name = |prefix: &str, number: u32| format!("{prefix}{number}");
    let size = ByteCount::from_gib(random.u64(1..100)).expect("small");
    let place = Place {
        backend: name("b", random.u32(0..2)).parse().expect("a name"),
        pool: name("p", random.u32(0..3)).parse().expect("a name"),
    };
    let place = Some(place).filter(|_| random.u8(..) > 20);
    let (state, promised_moment) = match random.u8(0..3) {
        0 => (VolumeState::Creating(crate::ids::OpId::new()), Moment::Open),
        1 => (VolumeState::Available, Moment::Now),
        _ => (VolumeState::Available, Moment::Past(random.u64(0..5))),
    };
    VolumeRecord { place, size, provisioned: size, promised: size, state, promised_moment, ..volume("x", 0) }
}

/// A backend is asked for its report, or the answer of a while ago comes, of some of its pools.
async fn report(tx: &mut Tx, random: &mut fastrand::Rng, now: Timestamp) {
    let backend = format!("b{}", random.u32(0..2)).parse().expect("a name");
    let moment = tx.renew(&backend, 1, now).await.expect("a member");
    let pools = (0..3).filter(|_| random.u8(..) > 60).map(|pool| pool_stats(&format!("p{pool}"))).collect();
    let asked = Asked { moment: moment - random.u64(0..3).min(moment), at: now };
    tx.report_pools(&backend, &BackendStats { pools }, asked).await.expect("reported");
}

async fn two_backends(store: &Store) {
    let mut tx = store.write().await.expect("a transaction");
    for backend in ["b0", "b1"] {
        let joining = Joining {
            backend: &backend.parse().expect("a name"),
            holder: "machine:1",
            volume_backend_name: backend,
            availability_zone: "nova",
            lease: Duration::from_secs(1),
            gone: &[],
            now: store.now(),
        };
        assert_eq!(tx.join(&joining).await.expect("an answer"), Some(1));
    }
    tx.commit().await.expect("committed");
}

fn pool_stats(name: &str) -> PoolStats {
    PoolStats {
        name: name.parse().expect("a name"),
        total: Capacity::Unknown,
        free: Capacity::Unknown,
        allocated: Capacity::Unknown,
        reserved_percentage: 0,
        max_over_subscription_ratio: 1.0,
        provisioning: Provisioning::Thin,
        thin_metadata_free_percentage: None,
        filter_function: None,
        goodness_function: None,
    }
}

async fn agree(store: &Store, step: usize) {
    let mut tx = store.read().await.expect("a view");
    let counted = tx.pool_use().await.expect("counted");
    assert_eq!(counted, tx.pool_use_by_records().await.expect("added up"), "after step {step}");
}

#[tokio::test]
async fn pools_count_what_their_volumes_say_after_any_change() {
    let (store, _place) = store().await;
    two_backends(&store).await;
    let mut random = fastrand::Rng::with_seed(11);
    let mut held: Vec<VolumeId> = Vec::new();
    for step in 0..300 {
        let mut tx = store.write().await.expect("a transaction");
        let some = (!held.is_empty()).then(|| random.usize(0..held.len()));
        match (random.u8(0..5), some) {
            (0, Some(index)) => {
                tx.remove_volume(held.swap_remove(index)).await.expect("removed");
            }
            (1, Some(index)) => {
                let bytes = ByteCount::from_gib(random.u64(1..100)).expect("small");
                let promised = ByteCount::from_gib(random.u64(0..100)).expect("small").min(bytes);
                let mut volume = tx.volume(held[index]).await.expect("an answer").expect("a volume");
                tx.reserve(&mut volume, bytes, promised).await.expect("reserved");
            }
            (2, Some(index)) => {
                let now = store.now();
                let mut volume = tx.volume(held[index]).await.expect("an answer").expect("a volume");
                tx.update_volume(&mut volume, now).await.expect("updated");
            }
            (3, _) if random.bool() => report(&mut tx, &mut random, store.now()).await,
            _ => {
                let new = placed(&mut random);
                tx.insert_volume(&new).await.expect("inserted");
                held.push(new.id);
            }
        }
        tx.commit().await.expect("committed");
        agree(&store, step).await;
    }
}
