//! Images in and out.
