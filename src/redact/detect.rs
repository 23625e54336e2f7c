//! Formats of well-known credentials: output in which one is found, or was found and masked, is not shared. Where one
//! undeclared credential was printed, another may stand beside it in a form that nobody knows.
//!
//! A second net behind the [`super::Redactor`], for secrets that nobody declared. It knows formats only,
//! so what it does not find may be secret all the same.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::Regex;

use super::formats;

/// One is enough to refuse; a page of them is enough to see where they come from.
pub const FINDINGS_MAX: usize = 100;

/// Something that looks like a credential. Never holds the text itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it looks like, e.g. `private key`.
    pub kind: &'static str,
    pub place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Line of its first byte, from 1.
    pub line: u64,
    pub bytes: Range<usize>,
}

/// All findings in the order of their places, at most [`FINDINGS_MAX`].
pub fn detect(bytes: &[u8]) -> Vec<Finding> {
    let mut found: Vec<(Range<usize>, &'static str)> = FORMATS
        .iter()
        .flat_map(|(kind, format)| format.find_iter(bytes).take(FINDINGS_MAX).map(|place| (place.range(), *kind)))
        .collect();
    found.sort_by_key(|(range, _)| (range.start, range.end));
    found.truncate(FINDINGS_MAX);
    let (mut line, mut counted) = (1, 0);
    found
        .into_iter()
        .map(|(range, kind)| {
            line += bytes[counted..range.start].iter().filter(|byte| **byte == b'\n').count() as u64;
            counted = range.start;
            Finding { kind, place: Place { line, bytes: range } }
        })
        .collect()
}

static FORMATS: LazyLock<Vec<(&'static str, Regex)>> = LazyLock::new(|| {
    let masks = formats::masks().map(|mask| {
        let kind = mask.trim_start_matches("[redacted: ").trim_end_matches(']');
        (kind, Regex::new(&regex::escape(mask)).expect("an escaped text is a pattern"))
    });
    let mut masks: Vec<_> = masks.collect();
    masks.dedup_by_key(|(kind, _)| *kind);
    let formats = [
        ("Vault token", r"(?-u:\b)hv[sbr]\.[A-Za-z0-9_-]{24}"),
        ("Stripe key", r"(?-u:\b)[sr]k_live_[A-Za-z0-9]{24}"),
        ("npm token", r"(?-u:\b)npm_[A-Za-z0-9]{36}(?-u:\b)"),
        ("age key", r"AGE-SECRET-KEY-1[A-Z0-9]{58}"),
        ("private key", r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----"),
        ("AWS access key", r"(?-u:\b)(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?-u:\b)"),
        (
            "AWS secret key",
            r#"(?i)aws_?(?:secret_?access_?key|session_?token)["']?[ \t]*[:=][ \t]*["']?[A-Za-z0-9/+=]{40}"#,
        ),
        ("Google API key", r"(?-u:\b)AIza[0-9A-Za-z_-]{35}"),
        ("Google access token", r"(?-u:\b)ya29\.[0-9A-Za-z_-]{20}"),
        ("GitHub token", r"(?-u:\b)gh[pousr]_[A-Za-z0-9]{36}"),
        ("GitHub token", r"(?-u:\b)github_pat_[A-Za-z0-9_]{22}"),
        ("GitLab token", r"(?-u:\b)glpat-[A-Za-z0-9_-]{20}"),
        ("Slack token", r"(?-u:\b)(?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{10}"),
        (
            "Slack webhook",
            r"hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9_]{3,20}/[A-Za-z0-9_]{3,20}/[A-Za-z0-9_]{10}",
        ),
        ("JSON web token", r"(?-u:\b)eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8}"),
    ]
    .map(|(kind, pattern)| (kind, Regex::new(pattern).expect("a fixed pattern, built in a test")));
    formats.into_iter().chain(masks).collect()
});

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Joined here so that no scanner takes this file for a leak.
    pub(in super::super) fn samples() -> Vec<(&'static str, String)> {
        vec![
            ("private key", format!("-----BEGIN {} KEY-----", "OPENSSH PRIVATE")),
            ("private key", format!("-----BEGIN {} KEY-----", "PRIVATE")),
            ("private key", format!("-----BEGIN PGP {} KEY BLOCK-----", "PRIVATE")),
            ("AWS access key", format!("AKIA{}", "ABCDEFGHIJ234567")),
            ("AWS secret key", format!("aws_secret_access_key = {}", "aB3/".repeat(10))),
            ("Google API key", format!("AIza{}", "x".repeat(35))),
            ("Google access token", format!("ya29.{}", "x".repeat(40))),
            ("GitHub token", format!("ghp_{}", "a1".repeat(18))),
            ("GitHub token", format!("github_pat_{}", "a1".repeat(18))),
            ("GitLab token", format!("glpat-{}", "a1".repeat(10))),
            ("Slack token", format!("xoxb-{}", "1234567890")),
            ("Slack webhook", format!("https://hooks.slack.com/services/T0000/B0000/{}", "a".repeat(24))),
            ("JSON web token", format!("eyJ{}.eyJ{}.{}", "hbGciOiJI", "zdWIiOiIx", "SflKxwRJSM")),
            ("Vault token", format!("hvs.{}", "CAES".repeat(7))),
            ("Stripe key", format!("sk_live_{}", "a1".repeat(12))),
            ("npm token", format!("npm_{}", "a1".repeat(18))),
            ("age key", format!("AGE-SECRET-KEY-1{}", "Q2".repeat(29))),
            ("private key", "[redacted: private key]".to_owned()),
            ("GitHub token", "[redacted: GitHub token]".to_owned()),
        ]
    }

    #[test]
    fn each_known_format_is_found_wherever_it_stands() {
        for (kind, sample) in samples() {
            let text = format!("first\nsecond: \"{sample}\"\n");
            let found = detect(text.as_bytes());
            assert_eq!(found.len(), 1, "{kind}: {found:?}");
            assert_eq!((found[0].kind, found[0].place.line), (kind, 2));
            assert!(
                detect(&[b"\xff\x00", sample.as_bytes(), b"\xfe"].concat()).iter().any(|f| f.kind == kind),
                "{kind}"
            );
        }
    }

    #[test]
    fn ordinary_output_and_masks_are_not_findings() {
        let text = "token=[redacted: api_token]\n-----BEGIN CERTIFICATE-----\nMIIB\n-----BEGIN PUBLIC KEY-----\n\
                    akia1234 eyJhbGciOi ghp_short xoxb- 0198c5a0-7d3e-7c11-9d5b-6c6f0a4f6c01\n";
        assert_eq!(detect(text.as_bytes()), vec![]);
    }

    #[test]
    fn findings_are_bounded_and_in_order() {
        let text = format!("{}\n", samples()[3].1).repeat(500);
        let found = detect(text.as_bytes());
        assert_eq!(found.len(), FINDINGS_MAX);
        assert_eq!(found.last().map(|f| f.place.line), Some(FINDINGS_MAX as u64));
    }
}
