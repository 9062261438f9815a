use std::time::Duration;

use jiff::Timestamp;

use super::{Rivals, has_seat};
use crate::store::members::{Gone, MemberRecord};

fn member(epoch: u64, renewals: u64, seats: u32) -> MemberRecord {
    MemberRecord {
        backend: "disk".parse().expect("a name"),
        epoch,
        holder: "here:1".to_owned(),
        seats,
        lease: Duration::from_secs(6),
        renewals,
        // By a clock that is off by decades.
        started_at: Timestamp::UNIX_EPOCH,
        renewed_at: Timestamp::UNIX_EPOCH,
    }
}

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_member_has_lapsed_when_it_was_seen_silent_for_its_lease_and_the_margin() {
    let mut rivals = Rivals::default();
    assert_eq!(rivals.lapsed(&[member(1, 5, 1)], s(1000)), [], "nothing is known of how long it has been silent");
    assert_eq!(rivals.lapsed(&[member(1, 5, 1)], s(1009)), []);
    assert_eq!(rivals.lapsed(&[member(1, 5, 1)], s(1010)), [Gone::Lapsed { epoch: 1, renewals: 5 }]);
    assert_eq!(rivals.lapsed(&[member(1, 6, 1)], s(1011)), [], "it has renewed after all");
}

#[test]
fn each_member_is_watched_for_itself() {
    let mut rivals = Rivals::default();
    for (renewals, uptime) in [(1, 0), (2, 4), (3, 8)] {
        assert_eq!(rivals.lapsed(&[member(1, 9, 2), member(2, renewals, 2)], s(uptime)), []);
    }
    let lapsed = rivals.lapsed(&[member(1, 9, 2), member(2, 4, 2)], s(12));
    assert_eq!(lapsed, [Gone::Lapsed { epoch: 1, renewals: 9 }]);
}

#[test]
fn seats_are_what_the_least_generous_member_bears() {
    let gone = [Gone::Ended { epoch: 1 }];
    assert!(has_seat(&[], &[]));
    assert!(!has_seat(&[member(1, 0, 1)], &[]));
    assert!(has_seat(&[member(1, 0, 1)], &gone));
    assert!(has_seat(&[member(1, 0, 2)], &[]));
    assert!(!has_seat(&[member(1, 0, 3), member(2, 0, 1)], &[]));
    assert!(!has_seat(&[member(1, 0, 3), member(2, 0, 1)], &gone));
}
