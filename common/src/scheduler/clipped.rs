//! Texts of others in reasons: in quotes, and cut where they are long.

use std::fmt;

/// Characters repeated at most.
const SHOWN: usize = 60;

/// A text as a reason repeats it.
pub(super) struct Clipped<'a>(pub(super) &'a str);

impl fmt::Display for Clipped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(SHOWN) {
            Some((end, _)) => write!(f, "{:?}", format!("{}...", &self.0[..end])),
            None => write!(f, "{:?}", self.0),
        }
    }
}
