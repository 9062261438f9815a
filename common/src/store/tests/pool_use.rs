//! What pools count for, against what their volumes say.

use super::{Store, store, volume};
use crate::{
    ids::VolumeId,
    store::records::{Place, VolumeRecord},
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
    VolumeRecord { place, size, provisioned: size, ..volume("x", 0) }
}

async fn agree(store: &Store, step: usize) {
    let mut tx = store.read().await.expect("a view");
    let counted = tx.pool_use().await.expect("counted");
    assert_eq!(counted, tx.pool_use_by_records().await.expect("added up"), "after step {step}");
}

#[tokio::test]
async fn pools_count_what_their_volumes_say_after_any_change() {
    let (store, _place) = store().await;
    let mut random = fastrand::Rng::with_seed(11);
    let mut held: Vec<VolumeRecord> = Vec::new();
    for step in 0..150 {
        let mut tx = store.write().await.expect("a transaction");
        let some = (!held.is_empty()).then(|| random.usize(0..held.len()));
        match (random.u8(0..4), some) {
            (0, Some(index)) => {
                let gone: VolumeId = held.swap_remove(index).id;
                tx.remove_volume(gone).await.expect("removed");
            }
            (1, Some(index)) => {
                let bytes = ByteCount::from_gib(random.u64(1..100)).expect("small");
                tx.provision(&mut held[index], bytes).await.expect("provisioned");
            }
            (2, Some(index)) => {
                let now = store.now();
                tx.update_volume(&mut held[index], now).await.expect("updated");
            }
            _ => {
                let new = placed(&mut random);
                tx.insert_volume(&new).await.expect("inserted");
                held.push(new);
            }
        }
        tx.commit().await.expect("committed");
        agree(&store, step).await;
    }
}
