//! What a client was told of its volumes, and how that is held against what there is.

use crate::{
    belief::Belief,
    content::Sum,
    truth::{Shown, Truth},
};

/// A snapshot, as its client knows it.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Given to nothing else.
    pub name: String,
    /// Known once a request was answered.
    pub id: Option<String>,
    /// Whether there is such a snapshot.
    pub there: Belief<bool>,
    /// What it holds.
    pub sum: Sum,
    /// How large the volume was, in GiB.
    pub size: u64,
}

/// A volume, as its client knows it.
#[derive(Clone, Debug)]
pub struct Volume {
    /// Given to nothing else.
    pub name: String,
    /// Known once a request was answered.
    pub id: Option<String>,
    /// Whether there is such a volume.
    pub there: Belief<bool>,
    /// In GiB.
    pub size: Belief<u64>,
    /// What it holds.
    pub sum: Belief<Sum>,
    /// A value in its metadata.
    pub note: Belief<String>,
    /// Whether a client may have it attached.
    pub held: Belief<bool>,
    /// Its snapshots, the oldest first.
    pub snapshots: Vec<Snapshot>,
}

impl Snapshot {
    fn is_doubtful(&self) -> bool {
        self.id.is_none() || self.there.certain().is_none()
    }
}

impl Volume {
    /// Whether some request about it was not answered. It is left alone until the truth is seen.
    pub fn is_doubtful(&self) -> bool {
        self.id.is_none()
            || self.there.certain().is_none()
            || self.size.certain().is_none()
            || self.sum.certain().is_none()
            || self.note.certain().is_none()
            || self.held.certain().is_none()
            || self.snapshots.iter().any(Snapshot::is_doubtful)
    }

    /// Holds it against what there is; then adopts that. Returns what was promised and is not so.
    pub fn settle(&mut self, truth: &Truth) -> Vec<String> {
        let mut faults = Vec::new();
        let found = truth.volumes.get(&self.name).map(Vec::as_slice).unwrap_or_default();
        self.id = self.settle_one(found, &mut faults);
        self.there = Belief::known(self.id.is_some());
        self.held = Belief::known(false);
        let (name, gone) = (self.name.clone(), self.id.is_none());
        for snapshot in &mut self.snapshots {
            let found = truth.snapshots.get(&snapshot.name).map(Vec::as_slice).unwrap_or_default();
            // A snapshot goes with its volume where that was asked for, which is told by the volume alone.
            if gone && found.is_empty() {
                snapshot.there.is_now(false);
            }
            snapshot.settle(found, &name, &mut faults);
        }
        self.snapshots.retain(|snapshot| snapshot.id.is_some());
        faults
    }

    fn settle_one(&mut self, found: &[Shown], faults: &mut Vec<String>) -> Option<String> {
        let shown = match (found, self.there.all()) {
            ([], told) if self.there.admits(&false) || told.is_empty() => return None,
            ([], _) => {
                faults.push(format!("volume {} was promised and is not there", self.name));
                return None;
            }
            ([one], _) => one,
            ([first, ..], _) => {
                faults.push(format!("volume {} was asked for once and is there {} times", self.name, found.len()));
                first
            }
        };
        if !self.there.admits(&true) {
            faults.push(format!("volume {} was promised to be deleted and is {}", self.name, shown.status));
        }
        if shown.status != "available" {
            faults.push(format!("volume {} ({}) is {}: {:?}", self.name, shown.id, shown.status, self));
        }
        if !self.size.admits(&shown.size) {
            faults.push(format!("volume {} has {} GiB, not one of {:?}", self.name, shown.size, self.size.all()));
        }
        if !self.note.admits(&shown.note) {
            faults.push(format!("volume {} says {:?}, not one of {:?}", self.name, shown.note, self.note.all()));
        }
        if self.id.as_ref().is_some_and(|id| *id != shown.id) {
            faults.push(format!("volume {} is {}, and was told to be {:?}", self.name, shown.id, self.id));
        }
        self.size.is_now(shown.size);
        self.note.is_now(shown.note.clone());
        Some(shown.id.clone())
    }

    /// Holds its bytes against what they may be; then adopts them.
    pub fn settle_bytes(&mut self, sum: Sum) -> Option<String> {
        let fault = (!self.sum.admits(&sum))
            .then(|| format!("volume {} ({:?}) holds {sum:x}, not one of {:x?}", self.name, self.id, self.sum.all()));
        self.sum.is_now(sum);
        fault
    }
}

impl Snapshot {
    fn settle(&mut self, found: &[Shown], volume: &str, faults: &mut Vec<String>) {
        let name = &self.name;
        match found {
            [] if self.there.admits(&false) => self.id = None,
            [] => {
                faults.push(format!("snapshot {name} of volume {volume} was promised and is not there"));
                self.id = None;
            }
            [shown, more @ ..] => {
                if !more.is_empty() {
                    faults.push(format!("snapshot {name} of volume {volume} is there {} times", found.len()));
                }
                if !self.there.admits(&true) {
                    faults.push(format!("snapshot {name} of {volume} was promised to be deleted: {}", shown.status));
                }
                if shown.status != "available" {
                    faults.push(format!("snapshot {name} ({}) of volume {volume} is {}", shown.id, shown.status));
                }
                self.id = Some(shown.id.clone());
            }
        }
        self.there = Belief::known(self.id.is_some());
    }
}

#[cfg(test)]
mod tests {
    use super::Volume;
    use crate::{
        belief::Belief,
        truth::{Shown, Truth},
    };

    fn volume() -> Volume {
        Volume {
            name: "v".to_owned(),
            id: Some("1".to_owned()),
            there: Belief::known(true),
            size: Belief::known(1),
            sum: Belief::known(7),
            note: Belief::known(String::new()),
            held: Belief::known(false),
            snapshots: Vec::new(),
        }
    }

    fn truth(status: &str, size: u64) -> Truth {
        let shown = Shown { id: "1".to_owned(), status: status.to_owned(), size, note: String::new() };
        Truth { volumes: [("v".to_owned(), vec![shown])].into(), ..Truth::default() }
    }

    #[test]
    fn a_promise_that_is_kept_is_no_fault_and_one_that_is_broken_is() {
        assert!(volume().settle(&truth("available", 1)).is_empty());
        assert_eq!(volume().settle(&Truth::default()).len(), 1, "lost");
        assert_eq!(volume().settle(&truth("creating", 1)).len(), 1, "stuck");
        assert_eq!(volume().settle(&truth("available", 2)).len(), 1, "grown by nobody");
        let mut deleted = volume();
        deleted.there.is_now(false);
        assert_eq!(deleted.settle(&truth("available", 1)).len(), 1, "risen");
        assert!(volume().settle_bytes(7).is_none());
        assert!(volume().settle_bytes(8).is_some());
    }

    #[test]
    fn where_nobody_answered_both_outcomes_are_right_and_one_is_adopted() {
        for truth in [truth("available", 1), truth("available", 2)] {
            let mut asked = volume();
            asked.size.may_become(2);
            assert!(asked.is_doubtful());
            assert!(asked.settle(&truth).is_empty());
            assert!(!asked.is_doubtful());
        }
        let mut asked = volume();
        asked.there.may_become(false);
        assert!(asked.settle(&Truth::default()).is_empty());
        assert_eq!(asked.there.certain(), Some(&false));
    }
}
