//! What is asked behind the `?`.

use std::collections::BTreeMap;

use axum::http::Uri;

use super::{error::ApiError, object};

/// The query's entries, taken one after the other; what is left in the end is unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Query {
    entries: BTreeMap<String, String>,
    all: Vec<(String, String)>,
}

impl Query {
    /// # Errors
    /// 400 when it is not UTF-8, or says one thing in two ways.
    pub(crate) fn of(uri: &Uri) -> Result<Self, ApiError> {
        let axum::extract::Query(all) = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri)
            .map_err(|error| ApiError::bad_request(format!("the query does not parse: {error}")))?;
        let mut entries = BTreeMap::new();
        for (key, value) in &all {
            if entries.insert(key.clone(), value.clone()).is_some_and(|earlier| earlier != *value) {
                return Err(ApiError::bad_request(format!("{key} is given twice: give it once")));
            }
        }
        Ok(Self { entries, all })
    }

    /// Every entry, as it came.
    pub(crate) fn all(&self) -> &[(String, String)] {
        &self.all
    }

    /// Takes an entry.
    pub(crate) fn take(&mut self, key: &str) -> Option<String> {
        self.entries.remove(key)
    }

    /// Takes a yes or no.
    ///
    /// # Errors
    /// 400.
    pub(crate) fn flag(&mut self, key: &str) -> Result<Option<bool>, ApiError> {
        let Some(word) = self.take(key) else { return Ok(None) };
        object::flag(&word).map(Some).ok_or_else(|| ApiError::bad_request(format!("{key} must be true or false")))
    }

    /// Takes a number that is not negative.
    ///
    /// # Errors
    /// 400.
    pub(crate) fn number(&mut self, key: &str) -> Result<Option<u32>, ApiError> {
        let Some(text) = self.take(key) else { return Ok(None) };
        text.parse()
            .ok()
            .filter(|number| *number <= i32::MAX.unsigned_abs())
            .map(Some)
            .ok_or_else(|| ApiError::bad_request(format!("{key} must be a whole number from 0 to {}", i32::MAX)))
    }

    /// Takes all that is left.
    pub(crate) fn rest(&mut self) -> BTreeMap<String, String> {
        std::mem::take(&mut self.entries)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Uri;

    use super::Query;

    #[test]
    fn an_entry_twice_must_say_the_same() {
        assert!(Query::of(&Uri::from_static("/?a=1&a=1")).is_ok());
        assert!(Query::of(&Uri::from_static("/?a=1&a=2")).is_err());
    }

    #[test]
    fn numbers_are_small_and_not_negative() {
        for (text, good) in [("0", true), ("2147483647", true), ("2147483648", false), ("-1", false), ("x", false)] {
            let uri: Uri = format!("/?limit={text}").parse().expect("a URI");
            assert_eq!(Query::of(&uri).expect("parses").number("limit").is_ok(), good, "{text}");
        }
    }
}
