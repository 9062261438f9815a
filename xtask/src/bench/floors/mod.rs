//! The least that the machine takes for the same work, measured without the service and in the same run.

pub mod disk;
pub mod http;
pub mod sql;
