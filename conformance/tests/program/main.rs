//! Programs that are no drivers, each broken in its own way: none may hang the suite, and none may pass a case.

mod bench;
mod broken;
mod subject;
mod well;
