//! The Block Storage API, version 3, as OpenStack documents it.
//!
//! A handler parses and validates, calls the intake or the store, and views the record it gets: nothing else. What is
//! common to all calls is in a file of its own: `call` (who asks, in which microversion), `body` and `query` (what
//! they say), `listing` (pages, filters, order), `error` (what they hear), `observe` and `guard` (around each request), `gather`, `admission` and `answers` (how much of everything at once).
//!
//! Where this differs from Cinder, on purpose:
//!
//! - A field or filter that is not known is refused with its name, in every microversion; Cinder drops some in silence.
//! - Another project's things are not found, by administrators neither; `all_tenants` lists them.
//! - `force` on delete and `os-force_delete` delete as any delete does: nothing gets stuck that would need more.
//! - `os-reset_status` cannot set `attach_status`: attachments have states of their own.
//! - Groups, backups, transfers, QoS, encryption, retype, migration and quotas are not here yet, nor is
//!   `os-update_readonly_flag`; their paths are not found, their actions and fields refused.
//!
//! Architecture invariant: HTTP is known here alone, and no SQL is. Absent on purpose: a rule about what may happen to
//! a volume; those are in `ashlar_common::manager` and `ashlar_common::state`.

mod admission;
mod answers;
mod attachments;
mod body;
mod budget;
mod call;
mod capabilities;
mod encryption;
mod error;
mod extensions;
mod gather;
mod guard;
mod health;
mod identity;
mod lack;
mod limits;
mod links;
mod listing;
mod load;
mod messages;
mod metadata;
mod metrics;
mod microversion;
mod object;
mod observe;
mod oversize;
mod owned;
mod pools;
mod python_dict;
mod query;
mod quotas;
mod request_id;
mod resource_filters;
mod router;
mod services;
mod snapshots;
mod state;
mod tagged;
mod text;
mod time;
mod types;
mod versions;
mod volumes;
mod zones;

pub use router::router;
pub use state::{ApiSettings, ApiState};
