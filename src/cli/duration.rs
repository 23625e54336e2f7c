//! Times that people type: `90s`, `15m`, `12h`, `90d`.

/// Milliseconds of a number and a unit.
///
/// # Errors
/// It is no such text.
pub(super) fn milliseconds(text: &str) -> Result<i64, String> {
    let wrong = || format!("{text:?} is not a time: write 90s, 15m, 12h or 90d");
    let (number, unit) = text.len().checked_sub(1).and_then(|at| text.split_at_checked(at)).ok_or_else(wrong)?;
    let factor: i64 = match unit {
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(wrong()),
    };
    let number: i64 = number.parse().ok().filter(|number| *number > 0).ok_or_else(wrong)?;
    number.checked_mul(factor).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_and_a_unit() {
        assert_eq!(milliseconds("90d"), Ok(90 * 86_400_000));
        for wrong in ["", "d", "0d", "-1h", "1y", "9223372036854775807d", "é", "1.5h"] {
            assert!(milliseconds(wrong).is_err(), "{wrong}");
        }
    }
}
