//! Errors for people.

use std::error::Error;

/// An error and its causes, in one line. Printed once, where the error is handled: no `Display` repeats its source.
///
/// ```
/// # use ashlar_common::{chain::chain, config};
/// let error = config::Config::load("/nowhere/ashlar.toml".as_ref()).unwrap_err();
/// assert_eq!(
///     chain(&error),
///     "cannot read the configuration file /nowhere/ashlar.toml: No such file or directory (os error 2)"
/// );
/// ```
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
