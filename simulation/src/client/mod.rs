//! Clients: what they ask for, and what they were told.

pub(crate) mod ask;
pub(crate) mod request;
pub(crate) mod told;
