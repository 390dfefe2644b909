//! Instants as text: ISO 8601 in UTC with six fraction digits and `Z`, which sorts as time does.

use turnstone_types::Timestamp;

/// Sorts before every stored instant.
pub(crate) const BEFORE_ALL: &str = "";
/// Sorts after every stored instant.
pub(crate) const AFTER_ALL: &str = "~";

/// The stored form, cut to the microsecond.
pub(crate) fn to_text(instant: Timestamp) -> String {
    format!("{:.6}", turnstone_types::to_microsecond_precision(instant))
}

/// Reads any ISO 8601 form: `T` or a space between date and time, any offset, UTC where there is none, a bare date.
pub(crate) fn from_text(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let instant = text.parse::<Timestamp>().ok().or_else(|| {
        let local: jiff::civil::DateTime = text.parse().ok()?;
        Some(local.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    })?;
    Some(turnstone_types::to_microsecond_precision(instant))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_form_has_a_fixed_width_and_comes_back() {
        for (nanosecond, expected) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (1_999, "1970-01-01T00:00:00.000001Z"),
            (-1_000, "1969-12-31T23:59:59.999999Z"),
        ] {
            let text = to_text(Timestamp::from_nanosecond(nanosecond).unwrap());
            assert_eq!(text, expected);
            assert_eq!(from_text(&text).map(to_text).as_deref(), Some(expected));
            assert!(BEFORE_ALL < text.as_str() && text.as_str() < AFTER_ALL);
        }
    }

    #[test]
    fn other_forms_are_read() {
        for text in [
            "2026-01-02T03:04:05Z",
            "2026-01-02T03:04:05+00:00",
            "2026-01-02 03:04:05",
            "2026-01-02T05:04:05.000+02:00",
            " 2026-01-02T03:04:05.000000000 ",
            "2026-01-02 03:04:05+00:00",
        ] {
            assert_eq!(
                from_text(text).map(to_text).as_deref(),
                Some("2026-01-02T03:04:05.000000Z"),
                "{text:?}"
            );
        }
        assert_eq!(
            from_text("2026-01-02").map(to_text).as_deref(),
            Some("2026-01-02T00:00:00.000000Z")
        );
        for text in ["", "yesterday", "2026-13-01T00:00:00Z", "12345"] {
            assert_eq!(from_text(text), None, "{text:?}");
        }
    }
}
