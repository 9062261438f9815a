//! Texts from clients: how long, and of what.

use super::error::ApiError;

/// The most characters of a name, a description, a metadata key or value.
pub(crate) const MAX_TEXT: usize = 255;

/// One line of text.
///
/// # Errors
/// 400 when it is too long or holds a control character.
pub(crate) fn line(field: &str, text: &str) -> Result<(), ApiError> {
    check(field, text, |character| character.is_control())
}

/// Text of several lines.
///
/// # Errors
/// 400 when it is too long or holds a control character other than line ends and tabs.
pub(crate) fn lines(field: &str, text: &str) -> Result<(), ApiError> {
    check(field, text, |character| character.is_control() && !"\n\r\t".contains(character))
}

fn check(field: &str, text: &str, forbidden: fn(char) -> bool) -> Result<(), ApiError> {
    let length = text.chars().count();
    if length > MAX_TEXT {
        return Err(ApiError::bad_request(format!("{field} has {length} characters; at most {MAX_TEXT} are stored")));
    }
    if text.contains(forbidden) {
        return Err(ApiError::bad_request(format!("{field} holds a control character: leave it out")));
    }
    Ok(())
}
