//! Durations, sizes and percentages: `250ms`, `64KiB`, `25%`. A number always carries its unit.

use std::time::Duration;

/// Longer is no runbook: about ten years. Keeps all sums of durations far from overflow.
const DURATION_MAX: Duration = Duration::from_secs(3650 * 24 * 3600);

const DURATION_UNITS_MS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

const SIZE_UNITS: [(&str, u64); 5] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// Why a text is no duration, size or percentage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnitError {
    /// A bare number. The likely spellings, most likely first.
    Missing(Vec<String>),
    /// Something else; says what it should look like.
    Malformed(String),
}

/// A duration such as `250ms`, `30s`, `5m`, `2h`, `1d`, or several of them joined: `1h30m`.
pub fn duration(text: &str) -> Result<Duration, UnitError> {
    if is_whole(text) {
        return Err(UnitError::Missing(["s", "m", "ms"].iter().map(|unit| format!("{text}{unit}")).collect()));
    }
    if let Some(seconds) = text.parse::<f64>().ok().filter(|seconds| (0.001..1e6).contains(seconds)) {
        return Err(UnitError::Missing(vec![duration_text(Duration::from_secs_f64(seconds))]));
    }
    let shape = || UnitError::Malformed("write a whole number with ms, s, m, h or d, such as 30s or 5m".to_owned());
    let total_ms = sum_of_parts(text, &DURATION_UNITS_MS).ok_or_else(shape)?;
    let total = Duration::from_millis(total_ms);
    if total > DURATION_MAX {
        return Err(UnitError::Malformed("durations end at 3650d".to_owned()));
    }
    Ok(total)
}

/// The shortest text that [`duration`] reads back as the same duration, in whole milliseconds.
pub fn duration_text(duration: Duration) -> String {
    let total_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if total_ms == 0 {
        return "0s".to_owned();
    }
    let mut rest_ms = total_ms;
    let mut text = String::new();
    for (unit, unit_ms) in DURATION_UNITS_MS.iter().rev() {
        let count = rest_ms / unit_ms;
        rest_ms %= unit_ms;
        if count > 0 {
            text.push_str(&format!("{count}{unit}"));
        }
    }
    text
}

/// A size such as `64KiB` or `10MiB`, in bytes.
pub fn size(text: &str) -> Result<u64, UnitError> {
    if is_whole(text) {
        return Err(UnitError::Missing(["KiB", "MiB", "B"].iter().map(|unit| format!("{text}{unit}")).collect()));
    }
    let shape = || UnitError::Malformed("write a whole number with B, KiB, MiB or GiB, such as 10MiB".to_owned());
    sum_of_parts(text, &SIZE_UNITS).ok_or_else(shape)
}

/// A percentage from `0%` to `100%`.
pub fn percent(text: &str) -> Result<u8, UnitError> {
    if is_whole(text) {
        return Err(UnitError::Missing(vec![format!("{text}%")]));
    }
    let shape = || UnitError::Malformed("write a whole number from 0% to 100%".to_owned());
    let digits = text.strip_suffix('%').filter(|digits| is_whole(digits)).ok_or_else(shape)?;
    digits.parse().ok().filter(|percent| *percent <= 100).ok_or_else(shape)
}

/// Adds up `1h30m`; each unit at most once, greater ones first. `None` where the text is anything else.
fn sum_of_parts(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let mut rest = text;
    let mut total: u64 = 0;
    let mut smallest = u64::MAX;
    while !rest.is_empty() {
        let digits_end = rest.find(|letter: char| !letter.is_ascii_digit())?;
        let (digits, after) = rest.split_at(digits_end);
        let unit_end = after.find(|letter: char| letter.is_ascii_digit()).unwrap_or(after.len());
        let (unit, next) = after.split_at(unit_end);
        let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
        if *factor >= smallest {
            return None;
        }
        smallest = *factor;
        total = total.checked_add(digits.parse::<u64>().ok()?.checked_mul(*factor)?)?;
        rest = next;
    }
    (smallest != u64::MAX).then_some(total)
}

fn is_whole(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_number_with_its_unit() {
        for (text, duration_ms) in [
            ("250ms", 250),
            ("30s", 30_000),
            ("5m", 300_000),
            ("2h", 7_200_000),
            ("1d", 86_400_000),
            ("1h30m", 5_400_000),
            ("0s", 0),
        ] {
            let duration = duration(text).unwrap();
            assert_eq!(duration, Duration::from_millis(duration_ms), "{text}");
            assert_eq!(duration_text(duration), text);
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in
            ["", "m", "5", "5 m", "-5m", "5min", "1.5h", "30m1h", "5m5m", "99999999999999999999s", "4000d", "٣s"]
        {
            assert!(duration(text).is_err(), "{text:?} was taken");
        }
        assert_eq!(
            duration("10"),
            Err(UnitError::Missing(vec!["10s".to_owned(), "10m".to_owned(), "10ms".to_owned()]))
        );
    }

    #[test]
    fn sizes_and_percentages_carry_their_unit() {
        assert_eq!(size("64KiB"), Ok(65_536));
        assert_eq!(percent("25%"), Ok(25));
        for text in ["64", "64K", "64kb", "KiB", ""] {
            assert!(size(text).is_err(), "{text:?} was taken");
        }
        for text in ["25", "101%", "%", "-1%", "2.5%", ""] {
            assert!(percent(text).is_err(), "{text:?} was taken");
        }
    }
}
