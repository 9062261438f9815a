//! Moving bytes between files and block devices: copying without the zeros, copying differences alone, zeroing.
//!
//! What every function here does: it blocks (run it by [`OpCtx::blocking`](crate::driver::OpCtx::blocking)), looks at
//! its context between pieces of at most a few MiB, reports progress by its [`Pace`] and keeps to its rate, moves
//! several pieces at a time, passes the page cache by on block devices, and does not flush: [`settle`] does.
//!
//! Passing it by is not for speed alone. The cache belongs to one device node, and what is written through another
//! node on top of it (an attachment's, a snapshot's origin) is not seen there: a cached read may be of yesterday.

mod buffer;
mod copy;
mod crew;
mod differences;
mod error;
mod medium;
mod pace;
mod zero;

pub(crate) use copy::{Extent, copy_extents};
pub use copy::{Target, copy};
pub use differences::copy_differences;
pub use error::BytesError;
pub use medium::{length, settle};
pub use pace::{Pace, Throttle};
pub use zero::zero;

#[cfg(test)]
mod tests;
