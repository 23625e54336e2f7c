//! Which runbooks a grant is for: a path with `*` and `**`, or a tag.

use std::fmt;

use crate::id::RunbookPath;

/// Letters of a pattern; as long as a runbook's path may be.
const PATTERN_LETTERS_MAX: usize = 200;

/// `web/**`, `web/disk-*`, `tag:disk`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Books {
    Path(PathPattern),
    Tag(String),
}

/// A path whose parts may hold `*` (any letters of one part) or be `**` (any parts, also none).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern(Vec<String>);

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} names no runbooks: write a path below runbooks/ (`web/disk-full`, `web/*`, `web/**`) or a tag (`tag:disk`)"
)]
pub struct InvalidPattern(pub String);

impl Books {
    /// # Errors
    /// The text can match no runbook.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        match text.strip_prefix("tag:") {
            Some(tag) if !tag.is_empty() && tag.trim() == tag => Ok(Self::Tag(tag.to_owned())),
            Some(_) => Err(InvalidPattern(text.to_owned())),
            None => PathPattern::parse(text).map(Self::Path),
        }
    }

    /// Whether a runbook of this path and these tags is meant.
    pub fn covers(&self, path: &RunbookPath, tags: &[String]) -> bool {
        match self {
            Self::Path(pattern) => pattern.matches(path.as_str()),
            Self::Tag(tag) => tags.contains(tag),
        }
    }
}

impl fmt::Display for Books {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(PathPattern(parts)) => formatter.write_str(&parts.join("/")),
            Self::Tag(tag) => write!(formatter, "tag:{tag}"),
        }
    }
}

impl PathPattern {
    fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let fits = |part: &str| {
            let letters = |letter: char| letter.is_ascii_alphanumeric() || "._-*".contains(letter);
            !part.is_empty() && !part.starts_with(['.', '-']) && part.chars().all(letters)
        };
        let stars = |part: &str| part == "**" || !part.contains("**");
        if text.len() > PATTERN_LETTERS_MAX || !text.split('/').all(|part| fits(part) && stars(part)) {
            return Err(InvalidPattern(text.chars().take(PATTERN_LETTERS_MAX).collect()));
        }
        Ok(Self(text.split('/').map(str::to_owned).collect()))
    }

    fn matches(&self, path: &str) -> bool {
        let parts: Vec<&str> = path.split('/').collect();
        // Which suffixes of the path the rest of the pattern matches: each pair is looked at once, so that no
        // pattern takes long.
        let mut fits: Vec<bool> = (0..=parts.len()).map(|at| at == parts.len()).collect();
        for wanted in self.0.iter().rev() {
            let mut next = vec![false; parts.len() + 1];
            for at in (0..=parts.len()).rev() {
                next[at] = match wanted.as_str() {
                    "**" => fits[at] || (at < parts.len() && next[at + 1]),
                    part => at < parts.len() && fits[at + 1] && part_matches(part, parts[at]),
                };
            }
            fits = next;
        }
        fits[0]
    }
}

/// One part with `*` for any letters: the first piece must begin it, the last end it, the others follow in order.
fn part_matches(pattern: &str, part: &str) -> bool {
    let pieces: Vec<&str> = pattern.split('*').collect();
    let [first, middle @ .., last] = pieces.as_slice() else { return pattern == part };
    let Some(mut rest) = part.strip_prefix(first) else { return false };
    for piece in middle {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(pattern: &str, path: &str) -> bool {
        let books = Books::parse(pattern).expect("the pattern is one");
        books.covers(&path.parse().expect("the path is one"), &["disk".to_owned()])
    }

    #[test]
    fn a_star_stays_in_its_part_and_two_stars_cross_them() {
        for (pattern, path) in [
            ("web/**", "web/disk-full"),
            ("web/**", "web/a/b/c"),
            ("**", "x"),
            ("**/restart", "restart"),
            ("**/restart", "a/b/restart"),
            ("web/*", "web/disk-full"),
            ("web/disk-*", "web/disk-full"),
            ("*/disk*full", "db/disk-is-full"),
            ("web/disk-full", "web/disk-full"),
            ("tag:disk", "anything/at-all"),
        ] {
            assert!(covers(pattern, path), "{pattern} on {path}");
        }
        for (pattern, path) in [
            ("web/*", "web/a/b"),
            ("web/*", "web"),
            ("web/**", "website/a"),
            ("web", "web/a"),
            ("a*a", "a"),
            ("web/disk-full", "web/disk-full2"),
            ("tag:web", "web/a"),
        ] {
            assert!(!covers(pattern, path), "{pattern} on {path}");
        }
    }

    #[test]
    fn what_can_match_nothing_is_refused() {
        let long = "a".repeat(201);
        for text in ["", "/", "web/", "../x", "-x", "a b", "web/***", "web/a**", "tag:", "tag: x", long.as_str(), "é"]
        {
            assert!(Books::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn no_pattern_takes_long() {
        let pattern = vec!["**"; 60].join("/");
        assert!(!covers(&format!("{pattern}/z"), &vec!["a"; 90].join("/")));
    }
}
