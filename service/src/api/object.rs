//! Taking a JSON object apart, field by field, with errors that name the field.
//!
//! By hand and not by derived types: the API takes `"10"` for 10 and `"true"` for true, and a client is helped by
//! reading which field was wrong and what would be right.

use std::str::FromStr;

use ashlar_common::{store::records::Metadata, units::ByteCount};
use serde_json::{Map, Value};

use super::{error::ApiError, metadata, text};

/// The largest size of a volume in GiB, as in Cinder: what a signed word of 32 bits holds.
const MAX_GIB: u64 = i32::MAX as u64;

/// A JSON object whose fields are taken one after the other; what is left in the end is unknown.
pub(crate) struct Object {
    name: String,
    fields: Map<String, Value>,
}

impl Object {
    pub(crate) fn new(name: &str, fields: Map<String, Value>) -> Self {
        Self { name: name.to_owned(), fields }
    }

    /// Of a value that must be an object; null and nothing are an empty one.
    ///
    /// # Errors
    /// 400.
    pub(crate) fn of(name: &str, value: Value) -> Result<Self, ApiError> {
        match value {
            Value::Object(fields) => Ok(Self::new(name, fields)),
            Value::Null => Ok(Self::new(name, Map::new())),
            _ => Err(ApiError::bad_request(format!("{name} must be an object"))),
        }
    }

    /// Whether the field is there, be it null.
    pub(crate) fn has(&self, field: &str) -> bool {
        self.fields.contains_key(field)
    }

    /// Whether the field is there and not null.
    pub(crate) fn value_is_set(&self, field: &str) -> bool {
        self.fields.get(field).is_some_and(|value| !value.is_null())
    }

    /// A field as it is; `None` if absent or null.
    pub(crate) fn value(&mut self, field: &str) -> Option<Value> {
        self.fields.remove(field).filter(|value| !value.is_null())
    }

    /// A text field of any length.
    ///
    /// # Errors
    /// 400.
    fn string(&mut self, field: &str) -> Result<Option<String>, ApiError> {
        match self.value(field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(field, "must be a text")),
        }
    }

    /// One line of at most 255 characters, trimmed.
    ///
    /// # Errors
    /// 400.
    pub(crate) fn line(&mut self, field: &str) -> Result<Option<String>, ApiError> {
        let Some(text) = self.string(field)? else { return Ok(None) };
        text::line(field, &text)?;
        Ok(Some(text.trim().to_owned()))
    }

    /// One line that must be there and hold something.
    ///
    /// # Errors
    /// 400.
    pub(crate) fn required_line(&mut self, field: &str) -> Result<String, ApiError> {
        let line = self.line(field)?.ok_or_else(|| self.wrong(field, "is required"))?;
        if line.is_empty() { Err(self.wrong(field, "must not be empty")) } else { Ok(line) }
    }

    /// A name, by its field or by the older one with `display_` before it.
    ///
    /// # Errors
    /// 400.
    pub(crate) fn name(&mut self) -> Result<Option<String>, ApiError> {
        let older = self.line("display_name")?;
        Ok(self.line("name")?.or(older))
    }

    /// A description of several lines, by its field or by the older one with `display_` before it.
    ///
    /// # Errors
    /// 400.
    pub(crate) fn description(&mut self) -> Result<Option<String>, ApiError> {
        let older = self.string("display_description")?;
        let text = self.string("description")?.or(older);
        if let Some(text) = &text {
            text::lines("description", text)?;
        }
        Ok(text)
    }

    /// A yes or no, in one of the words that OpenStack takes for it.
    ///
    /// # Errors
    /// 400.
    pub(crate) fn flag(&mut self, field: &str) -> Result<Option<bool>, ApiError> {
        match self.value(field) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(Value::Number(number)) if number.as_u64() == Some(0) => Ok(Some(false)),
            Some(Value::Number(number)) if number.as_u64() == Some(1) => Ok(Some(true)),
            Some(Value::String(word)) => {
                flag(&word).map(Some).ok_or_else(|| self.wrong(field, "must be true or false"))
            }
            Some(_) => Err(self.wrong(field, "must be true or false")),
        }
    }

    /// A size in whole GiB, as a number or as its digits.
    ///
    /// # Errors
    /// 400.
    pub(crate) fn size(&mut self, field: &str) -> Result<Option<ByteCount>, ApiError> {
        let gib = match self.value(field) {
            None => return Ok(None),
            Some(Value::Number(number)) => number.as_u64(),
            Some(Value::String(digits)) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok(),
            Some(_) => None,
        };
        gib.filter(|gib| (1..=MAX_GIB).contains(gib))
            .and_then(|gib| ByteCount::from_gib(gib).ok())
            .map(Some)
            .ok_or_else(|| self.wrong(field, &format!("must be a whole number of GiB from 1 to {MAX_GIB}")))
    }

    /// An id.
    ///
    /// # Errors
    /// 400.
    pub(crate) fn id<T: FromStr>(&mut self, field: &str) -> Result<Option<T>, ApiError> {
        match self.string(field)? {
            None => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| self.wrong(field, "must be a UUID")),
        }
    }

    /// An id that must be there.
    ///
    /// # Errors
    /// 400.
    pub(crate) fn required_id<T: FromStr>(&mut self, field: &str) -> Result<T, ApiError> {
        self.id(field)?.ok_or_else(|| self.wrong(field, "is required"))
    }

    /// Keys and values.
    ///
    /// # Errors
    /// 400.
    pub(crate) fn metadata(&mut self, field: &str) -> Result<Option<Metadata>, ApiError> {
        self.value(field).map(|value| metadata::parse(field, value)).transpose()
    }

    /// An object as it is.
    ///
    /// # Errors
    /// 400.
    pub(crate) fn map(&mut self, field: &str) -> Result<Option<Map<String, Value>>, ApiError> {
        match self.value(field) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(map)),
            Some(_) => Err(self.wrong(field, "must be an object")),
        }
    }

    /// Fields that clients send out of habit and that change nothing.
    pub(crate) fn ignore(&mut self, fields: &[&str]) {
        for field in fields {
            self.fields.remove(*field);
        }
    }

    /// Fields of features that are not served: null and empty are fine, anything else is refused.
    ///
    /// # Errors
    /// 400.
    pub(crate) fn not_served(&mut self, fields: &[&str]) -> Result<(), ApiError> {
        for field in fields {
            match self.value(field) {
                None => {}
                Some(Value::String(text)) if text.is_empty() => {}
                Some(_) => return Err(self.wrong(field, "asks for what this service does not have: leave it out")),
            }
        }
        Ok(())
    }

    /// The end: nothing may be left.
    ///
    /// # Errors
    /// 400 with the first unknown field's name.
    pub(crate) fn finish(self) -> Result<(), ApiError> {
        match self.fields.keys().next() {
            None => Ok(()),
            Some(field) => Err(unknown(field, &self.name)),
        }
    }

    /// 400 about a field.
    pub(crate) fn wrong(&self, field: &str, why: &str) -> ApiError {
        ApiError::bad_request(format!("{field} in {} {why}", self.name))
    }
}

/// 400 about a field nobody knows.
pub(crate) fn unknown(field: &str, place: &str) -> ApiError {
    let shown: String = field.chars().take(60).collect();
    ApiError::bad_request(format!("unknown field {shown:?} in {place}: check its spelling or leave it out"))
}

/// The words for yes and no.
pub(crate) fn flag(word: &str) -> Option<bool> {
    match word.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "y" | "on" | "t" => Some(true),
        "false" | "0" | "no" | "n" | "off" | "f" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
