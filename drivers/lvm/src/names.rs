//! Names and tags of logical volumes.
