//! What only a driver of files can be tested for: what lies in its directory, who else writes there, what its options do.
//! That it keeps the contract is proven by the suite, in `tests/conformance`.
//!
//! On the file system of the temporary directory and on ext4, XFS and btrfs mounted from image files. The mounts need root and loop devices; where they cannot be had, their tests fail and say so. Every case is a
//! function over a [`bench::Bench`]; `suite!` makes a test of each on each file system.

mod bench;
mod cases;

macro_rules! suite {
    ($($group:ident: $($case:ident),+;)+) => {
        suite!(@on temporary_directory, None, $($group: $($case),+;)+);
        suite!(@on ext4, Some(ashlar_conformance::lab::FileSystem::Ext4), $($group: $($case),+;)+);
        suite!(@on xfs, Some(ashlar_conformance::lab::FileSystem::Xfs), $($group: $($case),+;)+);
        suite!(@on btrfs, Some(ashlar_conformance::lab::FileSystem::Btrfs), $($group: $($case),+;)+);
    };
    (@on $place:ident, $file_system:expr, $($group:ident: $($case:ident),+;)+) => {
        mod $place {
            $(mod $group {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    let bench = crate::bench::Bench::new($file_system).await;
                    crate::cases::$group::$case(&bench).await;
                    bench.assert_tidy();
                })+
            })+
        }
    };
}

suite! {
    volumes:
        create_thick_takes_its_room_at_once,
        list_equals_reality_and_leaves_strangers_out,
        statistics_are_those_of_the_file_system;
    snapshots:
        snapshots_outlive_their_volume,
        a_snapshot_that_is_removed_while_it_is_used_was_there_or_not,
        a_volume_that_is_removed_while_it_is_made_again_was_there_or_not,
        snapshot_of_another_volume_is_not_this_ones;
    attach:
        of_attachments_at_once_one_wins,
        detach_all_leaves_none,
        detach_of_a_damaged_volume_leaves_no_export,
        read_only_takes_the_right_to_write,
        several_attachments_where_configured;
    robust:
        planted_links_are_refused,
        leftovers_of_the_dead_are_swept_and_those_of_the_living_kept,
        retry_after_a_death_half_way_makes_the_volume,
        cancelled_clone_leaves_nothing,
        past_deadline_changes_nothing,
        abandoned_call_leaves_nothing,
        held_lock_ends_calls_in_time_and_stops_no_statistics,
        two_drivers_share_a_directory;
    killed:
        store_is_whole_after_each_kill;
}

/// Not a case: what the process does that [`cases::killed`] starts and kills. As a test of its own it has no
/// directory to work in, and makes one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn life_of_the_killed() {
    cases::killed::live().await;
}

mod setup {
    use crate::cases::setup;

    #[tokio::test]
    async fn directory_that_cannot_be_used_is_named_with_the_fix() {
        setup::directory_that_cannot_be_used_is_named_with_the_fix();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn volume_that_no_file_can_be_is_invalid() {
        setup::volume_that_no_file_can_be_is_invalid().await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn full_xfs_is_out_of_space_and_nothing_is_left() {
        setup::full_file_system_is_out_of_space_and_nothing_is_left(ashlar_conformance::lab::FileSystem::Xfs).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn full_btrfs_is_out_of_space_and_nothing_is_left() {
        setup::full_file_system_is_out_of_space_and_nothing_is_left(ashlar_conformance::lab::FileSystem::Btrfs).await;
    }
}
