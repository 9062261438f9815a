//! Networks that carry nothing any more and tell nobody, and writers that stand still.

use ashlar_common::store::Error;

use crate::bench::{Bench, names, open, record, write};

#[tokio::test]
async fn who_speaks_into_a_silent_network_is_told_and_goes_on_after_it() {
    let bench = Bench::quick().await;
    write(&bench.store, "before").await.expect("written");
    names(&bench.store).await.expect("shown");
    bench.proxy.hold();
    // Nothing comes any more, so time is all that can pass.
    tokio::time::pause();
    let refused = write(&bench.store, "silent").await.expect_err("no answer");
    assert!(matches!(refused, Error::Away(_) | Error::Busy), "{refused:?}");
    let refused = names(&bench.store).await.expect_err("no answer");
    assert!(matches!(refused, Error::Away(_)), "{refused:?}");
    tokio::time::resume();
    let _count = bench.proxy.cut();
    bench.proxy.release();
    write(&bench.store, "after").await.expect("by itself");
    assert_eq!(names(&bench.store).await.expect("by itself"), ["after", "before"]);
}

/// The server ends a transaction whose client has said nothing for ten seconds, and with it its turn.
#[tokio::test]
async fn a_writer_that_stands_still_keeps_nobody_from_writing() {
    let bench = Bench::quick().await;
    let other = open(bench.server.address()).await;
    let mut stopped = bench.store.write().await.expect("its turn");
    stopped.insert_type(&record(&bench.store, "stopped")).await.expect("inserted");
    bench.proxy.hold();
    write(&other, "other").await.expect("in the end");
    bench.proxy.release();
    let lost = stopped.commit().await.expect_err("it was ended");
    assert!(matches!(lost, Error::Away(_)), "{lost:?}");
    assert_eq!(names(&other).await.expect("shown"), ["other"]);
    write(&bench.store, "again").await.expect("by itself");
}
