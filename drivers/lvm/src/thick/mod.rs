//! What copies bytes in a thick group: clones, volumes from snapshots, reverts.
