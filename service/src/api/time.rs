//! Times as the API writes and reads them: UTC, without saying so.

use ashlar_common::store::listing::Compare;
use jiff::{Timestamp, civil::DateTime, fmt::temporal::DateTimePrinter, tz::TimeZone};
use serde_json::{Value, json};

use super::error::ApiError;

/// Lists hold thousands: no format is read for each.
const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(6));

/// `2026-11-22T04:05:06.000000`.
pub(crate) fn text(time: Timestamp) -> String {
    PRINTER.datetime_to_string(&TimeZone::UTC.to_datetime(time))
}

/// The same, or null.
pub(crate) fn value(time: Option<Timestamp>) -> Value {
    time.map_or(Value::Null, |time| json!(text(time)))
}

/// The same, or an empty text, as attachments have it.
pub(crate) fn or_empty(time: Option<Timestamp>) -> String {
    time.map(text).unwrap_or_default()
}

/// Reads `gt:2026-01-01T00:00:00,lt:...`; without an operator, the time must be equal. In microseconds.
///
/// # Errors
/// 400.
pub(crate) fn comparisons(key: &str, text: &str) -> Result<Vec<(Compare, i64)>, ApiError> {
    const OPERATORS: [(&str, Compare); 6] = [
        ("gt:", Compare::Gt),
        ("gte:", Compare::Gte),
        ("lt:", Compare::Lt),
        ("lte:", Compare::Lte),
        ("eq:", Compare::Eq),
        ("neq:", Compare::Neq),
    ];
    text.split(',')
        .map(|part| {
            let part = part.trim();
            let (compare, time) = OPERATORS
                .iter()
                .find_map(|(word, compare)| part.strip_prefix(word).map(|time| (*compare, time)))
                .unwrap_or((Compare::Eq, part));
            parse(time).map(|time| (compare, time.as_microsecond())).ok_or_else(|| {
                ApiError::bad_request(format!(
                    "{key} must be like gt:2026-01-31T12:00:00; operators are gt, gte, lt, lte, eq, neq"
                ))
            })
        })
        .collect()
}

fn parse(text: &str) -> Option<Timestamp> {
    // Most clients leave the zone out, and mean UTC.
    text.parse()
        .ok()
        .or_else(|| text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp()))
}

#[cfg(test)]
mod tests {
    use ashlar_common::store::listing::Compare;
    use jiff::Timestamp;

    use super::{comparisons, text};

    #[test]
    fn times_have_six_digits_and_no_zone() {
        assert_eq!(text(Timestamp::UNIX_EPOCH), "1970-01-01T00:00:00.000000");
    }

    #[test]
    fn comparisons_are_read_with_and_without_operator_and_zone() {
        let read = comparisons("created_at", "gt:1970-01-01T00:00:01,lte:1970-01-01T00:00:02Z,1970-01-01");
        assert_eq!(read, Ok(vec![(Compare::Gt, 1_000_000), (Compare::Lte, 2_000_000), (Compare::Eq, 0)]));
        for bad in ["", "gt:", "near:1970-01-01", "yesterday"] {
            assert!(comparisons("created_at", bad).is_err(), "{bad}");
        }
    }
}
