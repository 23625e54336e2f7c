//! When something is due: a moment with its zone. "Tomorrow" is refused: the reader may be in another zone, and reads
//! it on another day.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde::{Deserialize, Serialize};

/// A moment as a person wrote it, and what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// `2026-11-25 07:30 Europe/Berlin`
    pub text: String,
    pub at_ms: i64,
}

/// Why a text is no such moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no absolute time with its zone: write 2026-11-25 07:30 Europe/Berlin, or 2026-11-25T06:30Z")]
pub struct NoDue {
    pub text: String,
}

impl Due {
    /// Reads `2026-11-25 07:30 Europe/Berlin`, `… UTC`, `2026-11-25T07:30+01:00` and `…Z`.
    ///
    /// # Errors
    /// Anything that means different moments to different readers.
    pub fn parse(text: &str) -> Result<Self, NoDue> {
        let text = text.trim();
        let none = || NoDue { text: text.chars().take(80).collect() };
        let at = with_zone_name(text).or_else(|| with_offset(text)).ok_or_else(none)?;
        Ok(Self { text: text.to_owned(), at_ms: at.as_millisecond() })
    }
}

fn with_zone_name(text: &str) -> Option<Timestamp> {
    let (local, zone) = text.rsplit_once(' ')?;
    let zone = if zone == "UTC" { TimeZone::UTC } else { TimeZone::get(zone).ok()? };
    let local: DateTime = local.parse().ok()?;
    let zoned: Zoned = zone.to_zoned(local).ok()?;
    Some(zoned.timestamp())
}

fn with_offset(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_moment_is_read_from_each_form() {
        let forms =
            ["2026-11-25 07:30 Europe/Berlin", "2026-11-25T07:30+01:00", "2026-11-25T06:30Z", "2026-11-25 06:30 UTC"];
        let moments: Vec<i64> = forms.iter().map(|form| Due::parse(form).expect(form).at_ms).collect();
        assert!(moments.iter().all(|at_ms| *at_ms == 1_795_588_200_000), "{moments:?}");
    }

    #[test]
    fn what_is_relative_or_without_a_zone_is_refused() {
        for text in ["tomorrow", "in 2 h", "07:30", "2026-11-25 07:30", "2026-11-25", "2026-11-25 07:30 CET?", ""] {
            let refused = Due::parse(text).expect_err(text);
            assert!(refused.to_string().contains("Europe/Berlin"), "{refused}");
        }
    }
}
