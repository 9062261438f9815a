//! The documentation of drivers, from what their executables say of themselves: `describe`.
//!
//! [`describe`] builds and asks them, [`options`] reads their schema, [`page`] writes what people read. A tidy test holds
//! the README of each driver and the support matrix to it.

pub mod command;
pub mod describe;
pub mod options;
pub mod page;
pub mod text;
