use ashlar_common::config;
use tokio::time::{Duration, Instant};

use super::{Limits, Overdue, Watch};

/// Idle 75 s, head 10 s, stall 10 s and 4096 bytes a second.
fn limits() -> Limits {
    Limits::from(&config::limits::Limits::default())
}

fn after(seconds: u64) -> Instant {
    Instant::now() + Duration::from_secs(seconds)
}

fn watch() -> Watch {
    Watch::new(Instant::now())
}

fn check(watch: &Watch, seconds: u64, overdue: Option<Overdue>) {
    assert_eq!(watch.overdue(after(seconds), &limits()), overdue, "{watch:?} after {seconds} s");
}

#[test]
fn one_that_asks_nothing_is_idle() {
    let watch = watch();
    check(&watch, 70, None);
    check(&watch, 80, Some(Overdue::Request));
    assert!(watch.dispensable(Instant::now()).is_some(), "at once: it has nothing to lose");
}

#[test]
fn half_a_head_has_less_time_however_it_trickles() {
    let watch = watch();
    watch.read();
    watch.read();
    check(&watch, 5, None);
    check(&watch, 15, Some(Overdue::Head));
    assert!(watch.dispensable(Instant::now()).is_none(), "it may just be coming");
    assert!(watch.dispensable(after(2)).is_some());
}

#[test]
fn who_waits_for_us_is_not_late() {
    let watch = watch();
    watch.read();
    watch.asked();
    watch.read();
    check(&watch, 10_000, None);
    assert!(watch.dispensable(after(10_000)).is_none());
    assert!(!watch.is_unasked());
}

#[test]
fn an_answer_that_is_taken_makes_the_connection_idle() {
    let watch = watch();
    watch.asked();
    watch.flushed();
    check(&watch, 80, None);
    watch.answered();
    watch.flushed();
    check(&watch, 80, Some(Overdue::Request));
}

#[test]
fn an_answer_must_be_taken_at_a_pace() {
    let watch = watch();
    watch.asked();
    watch.answered();
    // What the system took before it was full is no merit of the client.
    watch.wrote(1 << 20);
    watch.write_blocked();
    check(&watch, 5, None);
    check(&watch, 15, Some(Overdue::Reading));
    watch.wrote(10 * 4096);
    watch.write_blocked();
    check(&watch, 15, None);
    check(&watch, 25, Some(Overdue::Reading));
    assert!(watch.stalled(Instant::now()).is_none());
    assert!(watch.stalled(after(2)).is_some());
    watch.flushed();
    check(&watch, 25, None);
    assert!(watch.stalled(after(2)).is_none());
}

#[test]
fn only_the_first_to_close_closes() {
    let watch = watch();
    assert!(watch.close());
    assert!(!watch.close());
}
