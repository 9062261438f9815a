//! Attachments: one client's hold on a volume, from the claim to the end of its export.

pub(crate) mod change;
pub(crate) mod list;
pub(crate) mod view;
