//! What clients were told is so: what was taken in is recorded, what was refused is not.

use std::collections::BTreeSet;

use super::Broken;
use crate::{
    client::{
        request::{Request, What},
        told::Told,
    },
    observer::View,
};

/// Every id that was ever seen.
#[derive(Debug, Default)]
pub(crate) struct Seen(BTreeSet<String>);

impl Seen {
    pub(crate) fn add(&mut self, view: &View) {
        self.0.extend(view.volumes.iter().map(|volume| volume.id.to_string()));
        self.0.extend(view.snapshots.iter().map(|snapshot| snapshot.id.to_string()));
        self.0.extend(view.attachments.iter().map(|attachment| attachment.id.to_string()));
    }

    /// Holds new answers against the store.
    pub(crate) fn check(&self, requests: &mut [Request], view: &View, broken: &mut Broken) {
        for request in requests.iter_mut().filter(|request| request.told.is_some() && !request.checked) {
            request.checked = true;
            self.one(request, view, broken);
        }
    }

    fn one(&self, request: &Request, view: &View, broken: &mut Broken) {
        let id = request.id();
        let logged = view.operation_of(&id).is_some();
        match &request.told {
            Some(Told::Accepted(made)) => {
                if made.as_ref().is_some_and(|made| !self.0.contains(made)) {
                    broken.push(format!("{id} was told of {made:?}, which nobody has seen"));
                }
                if request.what.is_logged() && !logged && !ends_at_once(request, view) {
                    broken.push(format!("{id} was taken in and is not in the log: {:?}", request.what));
                }
            }
            Some(Told::Refused(why)) if logged => {
                broken.push(format!("{id} was refused ({why}) and is in the log: {:?}", request.what));
            }
            _ => {}
        }
    }
}

/// Taken in without an operation: a volume for which no pool had room, and the removal of such a one.
fn ends_at_once(request: &Request, view: &View) -> bool {
    match &request.what {
        What::Create { .. } => view.messages.iter().any(|message| message.request_id == request.id()),
        What::Delete { volume, .. } => view.volumes.iter().all(|there| there.id != *volume),
        _ => false,
    }
}
