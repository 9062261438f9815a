//! What a client may believe of one fact after all that it was told.

/// The values that a fact may have now: one when it is known, several after a request that was not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Belief<T>(Vec<T>);

impl<T: PartialEq> Belief<T> {
    /// It is so.
    pub fn known(value: T) -> Self {
        Self(vec![value])
    }

    /// It was told to be so from now on.
    pub fn is_now(&mut self, value: T) {
        self.0 = vec![value];
    }

    /// It was asked to become so, and nobody said whether it did.
    pub fn may_become(&mut self, value: T) {
        if !self.0.contains(&value) {
            self.0.push(value);
        }
    }

    /// Whether it may be so.
    pub fn admits(&self, value: &T) -> bool {
        self.0.contains(value)
    }

    /// The value, if there is no doubt.
    pub fn certain(&self) -> Option<&T> {
        match self.0.as_slice() {
            [value] => Some(value),
            _ => None,
        }
    }

    /// What may be.
    pub fn all(&self) -> &[T] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::Belief;

    #[test]
    fn an_unanswered_request_leaves_two_possibilities_and_an_answered_one_leaves_one() {
        let mut size = Belief::known(1);
        size.may_become(2);
        assert!(size.admits(&1) && size.admits(&2) && !size.admits(&3));
        assert_eq!(size.certain(), None);
        size.is_now(2);
        assert_eq!(size.certain(), Some(&2));
    }

    #[test]
    fn what_would_change_nothing_raises_no_doubt() {
        let mut there = Belief::known(true);
        there.may_become(true);
        assert_eq!(there.certain(), Some(&true));
    }
}
