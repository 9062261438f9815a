//! The driver against the clauses of the contract, on the file system of the temporary directory and on ext4, XFS and
//! btrfs mounted from image files.
//!
//! The mounts need root and loop devices; where they cannot be had, their tests fail and say so. Every case is a
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
        create_gives_exactly_the_size_and_reads_zero,
        create_again_is_unchanged_and_otherwise_a_conflict,
        create_of_no_bytes_is_invalid,
        create_thick_takes_its_room_at_once,
        delete_twice_and_of_the_unknown_is_unchanged,
        extend_keeps_the_bytes_and_adds_zeros,
        extend_reaches_a_client_that_holds_the_file,
        list_equals_reality_and_leaves_strangers_out,
        another_pool_is_refused_not_empty,
        creates_at_once_make_one_volume,
        deletes_at_once_remove_it_once,
        statistics_are_those_of_the_file_system;
    snapshots:
        later_writes_do_not_reach_a_snapshot,
        snapshot_again_keeps_the_first_bytes,
        snapshot_of_an_attached_volume_is_of_one_instant_or_refused,
        snapshot_of_nothing_is_not_found,
        snapshots_go_in_any_order,
        snapshots_outlive_their_volume,
        larger_volume_of_a_snapshot_ends_in_zeros,
        smaller_volume_is_refused,
        clone_is_independent_both_ways,
        clone_survives_its_source,
        same_id_from_another_source_is_a_conflict,
        revert_is_exact_and_keeps_size_and_snapshots,
        revert_of_an_attached_volume_is_refused;
    attach:
        attach_again_is_the_same_connection,
        second_attachment_is_refused,
        of_attachments_at_once_one_wins,
        detach_of_the_unknown_is_unchanged,
        old_path_opens_nothing_after_detach,
        detach_all_leaves_none,
        detach_of_a_damaged_volume_leaves_no_export,
        delete_of_an_attached_volume_is_refused,
        read_only_takes_the_right_to_write,
        several_attachments_where_configured,
        attachment_of_a_missing_volume_is_not_found;
    images:
        raw_and_qcow2_come_back_as_they_went,
        image_smaller_than_the_volume_ends_in_zeros,
        image_larger_than_the_volume_is_refused,
        image_that_is_something_else_is_refused,
        progress_of_an_image_is_reported;
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
    async fn full_ext4_is_out_of_space_and_nothing_is_left() {
        setup::full_file_system_is_out_of_space_and_nothing_is_left(ashlar_conformance::lab::FileSystem::Ext4).await;
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
