//! The functions that pools report, parsed once each.
//!
//! Reports are stored as text, and every placement reads them all: without this, each would parse what the placement
//! before it parsed.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::scheduler::Parsed;

/// Functions kept; backends have one or two each, and most of them the same.
const KEPT: usize = 512;

/// Functions by their text.
#[derive(Debug, Default)]
pub(super) struct Functions {
    parsed: Mutex<HashMap<String, Arc<Parsed>>>,
}

impl Functions {
    /// What a pool reports, parsed. Malformed texts are kept as such: the DriverFilter says so of the pool.
    pub(super) fn parsed(&self, text: Option<&str>) -> Option<Arc<Parsed>> {
        let text = text?;
        // Nothing is half done when a thread panics here.
        let mut parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = parsed.get(text) {
            return Some(known.clone());
        }
        if parsed.len() >= KEPT {
            parsed.clear();
        }
        let function = Arc::new(text.parse());
        parsed.insert(text.to_owned(), Arc::clone(&function));
        Some(function)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Functions, KEPT};

    #[test]
    fn a_text_is_parsed_once_and_not_too_many_are_kept() {
        let functions = Functions::default();
        let first = functions.parsed(Some("volume.size < 10")).expect("a function");
        let again = functions.parsed(Some("volume.size < 10")).expect("a function");
        assert!(Arc::ptr_eq(&first, &again) && first.is_ok());
        assert!(functions.parsed(Some("volume.size <")).expect("kept").is_err());
        assert_eq!(functions.parsed(None), None);
        for number in 0..2 * KEPT {
            functions.parsed(Some(&format!("volume.size < {number}")));
        }
        assert!(functions.parsed.lock().expect("not poisoned").len() <= KEPT);
    }
}
