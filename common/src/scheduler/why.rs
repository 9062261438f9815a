//! Why a pool falls, said only when somebody asks.

use std::fmt;

/// Characters of a reason at most: users read several in one message.
const LONGEST: usize = 300;

/// Where a filter says why. Texts cost more than filters do, and where a pool is found nobody reads them.
#[derive(Debug)]
pub(super) struct Why(Option<String>);

impl Why {
    /// Takes no text.
    pub(super) fn silent() -> Self {
        Self(None)
    }

    /// Takes a text.
    pub(super) fn asked() -> Self {
        Self(Some(String::new()))
    }

    /// The pool falls, for this reason: always `false`, the answer of the filter.
    pub(super) fn because(&mut self, reason: fmt::Arguments<'_>) -> bool {
        if let Some(text) = &mut self.0 {
            *text = reason.to_string();
            if let Some((end, _)) = text.char_indices().nth(LONGEST) {
                text.truncate(end);
                text.push_str("...");
            }
        }
        false
    }

    /// What was said.
    pub(super) fn said(self) -> String {
        self.0.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Why;

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let mut why = Why::asked();
        assert!(!why.because(format_args!("{}", "é".repeat(5000))));
        assert_eq!(why.said(), "é".repeat(300) + "...");
    }
}
