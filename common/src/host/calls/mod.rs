//! `calls`: a driver's calls over standard input and output, for programs that have no part in Ashlar's store: the
//! conformance suite, a vendor's own tests. A driver in any language that speaks this can be held against the contract.
//!
//! # The conversation
//! `PROGRAM calls --config FILE --backend NAME` opens the backend and speaks JSON, one document a line, UTF-8, ended by a
//! line feed. Standard error is for logs. Nothing else is written to standard output.
//!
//! The program's first line says who it is, and what it can do in its configuration ([`Greeting`]):
//! ```json
//! {"schema":1,"driver":{"name":"local","version":"0.1.0","vendor_name":"Ashlar","storage_protocol":"local"},
//!  "capabilities":{"multi_attach":false,"online_extend":true,"revert":true},"max_calls":256}
//! ```
//! (two lines here for the reader). A capability that is not named is absent. With `multi_attach` there is
//! `max_attachments`, with `active_active` there is `max_hosts`. No more than `max_calls` calls may be under way; one more
//! is answered `unavailable`.
//!
//! Then requests, in any number and without waiting ([`Request`]):
//! ```json
//! {"id":1,"op":"0d3e...","call":"create","limit_ms":60000,"arguments":{"spec":{...}}}
//! {"cancel":1}
//! ```
//! `id` is the caller's, and not that of a call under way. `op` names the operation for logs and may be left out.
//! `limit_ms` is the time the call has (`ctx` in the contract). `cancel` asks a call to end early: it is still answered; one
//! that is not under way is no mistake, since answers and cancellations cross.
//!
//! Each call is answered once, in any order ([`Reply`]), and may say before how far it is:
//! ```json
//! {"id":1,"progress":{"done":4096,"total":8192}}
//! {"id":1,"answer":{"changed":{...}}}
//! {"id":1,"error":{"kind":"out-of-space","message":"pool fast has no room"}}
//! ```
//! Calls run at once; none waits for another to be answered. A call past its limit is answered `indeterminate` soon after.
//!
//! # Calls
//! Names, arguments and meanings are those of [`Driver`](crate::driver::Driver) and of the traits of
//! [`capability`](crate::driver::capability); [`Call`] lists them. An answer is what the trait's method answers: a volume, a
//! snapshot or `null`; and `{"changed":...}` or `{"unchanged":...}` around it where the contract says `Outcome`. Kinds of
//! errors: `not-found`, `busy`, `conflict`, `out-of-space`, `invalid`, `unsupported`, `unavailable`, `indeterminate`,
//! `fatal` ([`Kind`](crate::driver::Kind)). A call of a capability that is absent is `unsupported`.
//!
//! | object | fields |
//! |---|---|
//! | volume reference | `id` (UUID), `pool` |
//! | `spec` | `volume` (reference), `size` in bytes, `extra_specs` (texts by name) |
//! | snapshot reference | `id`, `volume` (reference) |
//! | volume | `volume` (reference), `size`, `allocated` (or `null`), `attachments` (ids) |
//! | snapshot | `snapshot` (reference), `size` |
//! | `attachment` | `id`, `connector` (os-brick's properties), `mode`: `rw` or `ro` |
//! | connection | `driver_volume_type` and `data`, as os-brick takes them |
//! | `which` of detach | `"all"` or `{"one":"<attachment id>"}` |
//! | `image` | `path` (absolute), `format` (`raw`, `qcow2`) |
//!
//! # Bounds and ends
//! A request has at most 1 MiB, an answer 16 MiB ([`REQUEST_BYTES`], [`ANSWER_BYTES`]). A request with an `id` that makes no
//! sense is answered `invalid`. One without, one that is too long and an `id` used twice end the conversation: exit code 2,
//! and the reason on standard error. At the end of standard input the program cancels what runs, gives it
//! 10 seconds, and ends with exit code 0; so it does on SIGTERM and SIGINT. A backend that cannot be opened is exit
//! code 3, with nothing on standard output.
//!
//! Connection information holds credentials: it is on this pipe and nowhere else. The command takes no part in the
//! locking of hosts: do not use it on a backend that a service has volumes on.

mod lines;
mod perform;
mod protocol;
mod serve;

pub use lines::{LineBuffer, TooLong};
pub use protocol::{ANSWER_BYTES, Call, Greeting, MAX_CALLS, REQUEST_BYTES, Refused, Reply, Request, SCHEMA};
pub(super) use serve::serve;
