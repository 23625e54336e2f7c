//! What a plain scalar means by the core schema of YAML 1.2 (section 10.3.2): `no` is a text, `012` is
//! twelve, `1e3` is a thousand.

use super::{Scalar, Style};

/// The meaning of a scalar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Plain<'a> {
    Null,
    Boolean(bool),
    Integer(i64),
    /// Also a whole number beyond 64 bits.
    Number(f64),
    Text(&'a str),
}

impl Scalar {
    /// What the scalar means where its type is open.
    pub fn plain(&self) -> Plain<'_> {
        if self.style != Style::Plain {
            return Plain::Text(&self.text);
        }
        match self.text.as_str() {
            "" | "~" | "null" | "Null" | "NULL" => Plain::Null,
            "true" | "True" | "TRUE" => Plain::Boolean(true),
            "false" | "False" | "FALSE" => Plain::Boolean(false),
            text => number(text).unwrap_or(Plain::Text(text)),
        }
    }

    pub(super) fn describe(&self) -> String {
        match self.plain() {
            Plain::Null => "empty".to_owned(),
            Plain::Boolean(truth) => format!("the truth value {truth}"),
            Plain::Integer(_) | Plain::Number(_) => format!("the number {}", self.text),
            Plain::Text(text) => format!("the text {}", quoted(text)),
        }
    }

    pub(super) fn to_json(&self) -> serde_json::Value {
        match self.plain() {
            Plain::Null => serde_json::Value::Null,
            Plain::Boolean(truth) => truth.into(),
            Plain::Integer(integer) => integer.into(),
            Plain::Number(number) => number.into(),
            Plain::Text(text) => text.into(),
        }
    }
}

/// The text in quotes, cut to what fits in a message.
pub(super) fn quoted(text: &str) -> String {
    const CHARACTERS_MAX: usize = 60;
    if text.chars().count() <= CHARACTERS_MAX {
        return format!("{text:?}");
    }
    let cut: String = text.chars().take(CHARACTERS_MAX).collect();
    format!("{:?}", cut + "…")
}

fn number(text: &str) -> Option<Plain<'_>> {
    if let Some(digits) = text.strip_prefix("0o") {
        return i64::from_str_radix(digits, 8).ok().filter(|_| !digits.starts_with(['+', '-'])).map(Plain::Integer);
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return i64::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with(['+', '-'])).map(Plain::Integer);
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !unsigned.is_empty() && unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(
            text.parse().map_or_else(|_| Plain::Number(text.parse().unwrap_or(f64::INFINITY)), Plain::Integer),
        );
    }
    match unsigned {
        ".inf" | ".Inf" | ".INF" if text.starts_with('-') => Some(Plain::Number(f64::NEG_INFINITY)),
        ".inf" | ".Inf" | ".INF" => Some(Plain::Number(f64::INFINITY)),
        ".nan" | ".NaN" | ".NAN" if text.starts_with('.') => Some(Plain::Number(f64::NAN)),
        _ if is_float(unsigned) => text.parse().ok().map(Plain::Number),
        _ => None,
    }
}

/// `( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`
fn is_float(unsigned: &str) -> bool {
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mantissa_holds = digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty());
    mantissa_holds && exponent.is_none_or(|exponent| !exponent.is_empty() && digits(exponent))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Scalar {
        Scalar { text: text.to_owned(), style: Style::Plain, verbatim: true }
    }

    #[test]
    fn plain_scalars_mean_what_yaml_1_2_says() {
        for (text, meaning) in [
            ("no", Plain::Text("no")),
            ("yes", Plain::Text("yes")),
            ("on", Plain::Text("on")),
            ("012", Plain::Integer(12)),
            ("-7", Plain::Integer(-7)),
            ("0o14", Plain::Integer(12)),
            ("0x1F", Plain::Integer(31)),
            ("1e3", Plain::Number(1000.0)),
            ("1.10", Plain::Number(1.1)),
            (".5", Plain::Number(0.5)),
            ("1.", Plain::Number(1.0)),
            ("-.inf", Plain::Number(f64::NEG_INFINITY)),
            ("99999999999999999999", Plain::Number(1e20)),
            ("~", Plain::Null),
            ("", Plain::Null),
            ("True", Plain::Boolean(true)),
            ("tRue", Plain::Text("tRue")),
            ("inf", Plain::Text("inf")),
            ("nan", Plain::Text("nan")),
            ("1_000", Plain::Text("1_000")),
            ("5m", Plain::Text("5m")),
            ("e3", Plain::Text("e3")),
            (".", Plain::Text(".")),
            ("0x", Plain::Text("0x")),
            ("0x-1", Plain::Text("0x-1")),
            ("12:30", Plain::Text("12:30")),
        ] {
            assert_eq!(plain(text).plain(), meaning, "{text}");
        }
    }

    #[test]
    fn a_quoted_scalar_is_always_a_text() {
        for text in ["true", "1", "null", ""] {
            let scalar = Scalar { text: text.to_owned(), style: Style::Quoted, verbatim: true };
            assert_eq!(scalar.plain(), Plain::Text(text));
        }
    }
}
