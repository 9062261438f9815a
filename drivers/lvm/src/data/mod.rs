//! Bytes of block devices: zeroing and copying.
