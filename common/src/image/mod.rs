//! Images: what a file really is, and moving its bytes to and from volumes.
//!
//! Image files are made by strangers. Nothing here guesses a format: [`inspect`] holds the bytes against what the
//! file is said to be, in Rust, and refuses everything that is not an image complete in itself; only then does
//! `qemu-img` see it, through the descriptor that was inspected, told its format, and with limits on what it may use.

mod convert;
mod error;
mod format;
mod inspect;
mod probe;
mod qcow2;
mod temporary;
#[cfg(test)]
mod tests;
mod transfer;

pub use convert::qemu_img;
pub use error::ImageError;
pub use format::ImageFormat;
pub use inspect::{ImageHeader, inspect};
pub use qcow2::Qcow2Fault;
pub use temporary::{op_of_part, part};
pub use transfer::{copy_into, copy_onto, copy_out_of};
