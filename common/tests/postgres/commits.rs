//! Connections that are cut in the middle of a transaction, and on either side of its commit.

use ashlar_common::store::Error;
use ashlar_lab::proxy::Moment;

use crate::bench::{Bench, names, record, write};

#[tokio::test]
async fn a_transaction_that_is_cut_leaves_nothing_and_the_next_goes_well() {
    let bench = Bench::quick().await;
    let mut tx = bench.store.write().await.expect("its turn");
    tx.insert_type(&record(&bench.store, "cut")).await.expect("inserted");
    assert!(bench.proxy.cut() > 0);
    let lost = tx.commit().await.expect_err("it is cut");
    assert!(matches!(lost, Error::Away(_)), "{lost:?}");
    write(&bench.store, "next").await.expect("by itself");
    assert_eq!(names(&bench.store).await.expect("by itself"), ["next"]);
}

#[tokio::test]
async fn a_commit_that_the_server_never_heard_is_an_error_and_was_not_done() {
    let bench = Bench::quick().await;
    bench.proxy.cut_at("COMMIT", Moment::Unheard);
    let lost = write(&bench.store, "x").await.expect_err("not done");
    assert!(matches!(lost, Error::Away(_)) && !bench.proxy.waits(), "{lost:?}");
    assert_eq!(names(&bench.store).await.expect("shown"), Vec::<String>::new());
    write(&bench.store, "x").await.expect("the same again is the first");
}

#[tokio::test]
async fn a_commit_whose_answer_got_lost_is_found_to_be_done() {
    let bench = Bench::quick().await;
    bench.proxy.cut_at("COMMIT", Moment::Unanswered);
    write(&bench.store, "x").await.expect("done");
    assert!(!bench.proxy.waits(), "it was cut");
    assert_eq!(names(&bench.store).await.expect("shown"), ["x"]);
}

#[tokio::test]
async fn all_who_share_a_commit_hear_what_became_of_it() {
    for (moment, done) in [(Moment::Unheard, false), (Moment::Unanswered, true)] {
        let bench = Bench::quick().await;
        let first = bench.store.write().await.expect("its turn");
        // They come while the first is at work, so they share its commit.
        let writers: Vec<_> = (0..20)
            .map(|index| {
                let store = bench.store.clone();
                tokio::spawn(async move { write(&store, &format!("v{index:02}")).await })
            })
            .collect();
        while bench.store.writers_waiting() < 20 {
            tokio::task::yield_now().await;
        }
        bench.proxy.cut_at("COMMIT", moment);
        let mut told = vec![first.commit().await.is_ok()];
        for writer in writers {
            told.push(writer.await.expect("no panic").is_ok());
        }
        let kept = names(&bench.store).await.expect("shown").len();
        let acknowledged = told.iter().skip(1).filter(|told| **told).count();
        assert_eq!(acknowledged, kept, "{moment:?}: {told:?}");
        assert_eq!(told[0], done, "{moment:?}: {told:?}");
    }
}

#[tokio::test]
async fn a_commit_is_looked_for_until_the_server_is_there_again() {
    let bench = Bench::quick().await;
    let mut tx = bench.store.write().await.expect("its turn");
    tx.insert_type(&record(&bench.store, "x")).await.expect("inserted");
    bench.proxy.refuse().expect("refused");
    bench.proxy.cut_at("COMMIT", Moment::Unanswered);
    let waits = tokio::spawn(tx.commit());
    while bench.proxy.waits() {
        tokio::task::yield_now().await;
    }
    assert!(!waits.is_finished(), "nobody can know yet");
    bench.proxy.accept().expect("taken");
    waits.await.expect("no panic").expect("done");
    assert_eq!(names(&bench.store).await.expect("shown"), ["x"]);
}

#[tokio::test]
async fn marks_that_nobody_can_look_for_are_forgotten() {
    let bench = Bench::quick().await;
    write(&bench.store, "x").await.expect("written");
    let sql = |text: &str| bench.server.address().sql("postgres", text).expect("answered");
    assert_ne!(sql("SELECT count(*) FROM commits"), "0");
    sql("INSERT INTO commits SELECT md5(n::text), n - 1000 FROM generate_series(1, 500) AS n; \
         UPDATE turn SET number = number + 200000");
    let mut tx = bench.store.write().await.expect("its turn");
    assert!(tx.forget_commits().await.expect("forgotten") >= 500);
    tx.commit().await.expect("committed");
    // Its own mark, and at most that of the write before.
    assert!(sql("SELECT count(*) FROM commits").parse::<u32>().expect("a number") <= 2);
}
