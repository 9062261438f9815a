//! The measuring client: it shares two cores with what it measures, so it must be cheap.
//!
//! [`connection`] keeps an HTTP connection open and reads of an answer what it must; [`request`] writes requests out
//! once; [`crowd`] runs clients at once; [`histogram`] keeps their times in memory that does not grow.

pub mod connection;
pub mod crowd;
pub mod histogram;
pub mod request;
