//! What changed between two texts, line by line and word by word: plain data for pages, the API and the terminal.
//!
//! Both texts may be anybody's: what draws this treats each part as text. Everything is bounded, so that a page can show
//! the difference of whatever somebody has committed.

use serde::{Deserialize, Serialize};
use similar::{ChangeTag, DiffOp, InlineChange, TextDiff};

/// A text beyond this is not compared: no runbook is near it, and comparing takes time that grows with the square.
pub const BYTES_MAX: usize = 256 * 1024;

/// The same for its lines.
pub const LINES_MAX: usize = 5_000;

/// Lines of a difference that are kept; the rest is counted.
pub const SHOWN_MAX: usize = 400;

/// A line is kept up to here, in characters.
pub const LINE_LETTERS_MAX: usize = 500;

/// Lines around a change.
const CONTEXT: usize = 3;

/// A rewritten block beyond this many lines is shown as lines: words that happen to be in both would mislead.
const BLOCK_LINES_MAX: usize = 60;

/// What changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    pub hunks: Vec<Hunk>,
    /// Lines that are only in the new text, those beyond the shown ones included.
    pub added: usize,
    /// Lines that are only in the old text.
    pub removed: usize,
    /// Lines of the difference that are not among the hunks.
    pub more: usize,
}

/// A run of changed lines with what is around them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hunk {
    /// `@@ -1,3 +1,4 @@`: where it stands in both texts, as `diff -u` has it.
    pub header: String,
    pub lines: Vec<Line>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub kind: LineKind,
    /// Its text without the newline, cut where words changed.
    pub parts: Vec<Part>,
    /// It is longer than what is kept.
    pub is_cut: bool,
    /// The text ends with it, without a newline.
    pub ends_bare: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LineKind {
    Same,
    Removed,
    Added,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    pub text: String,
    /// These words are not in the other text's line.
    pub is_changed: bool,
}

/// The texts are too long to be compared here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the texts are longer than {LINES_MAX} lines or {BYTES_MAX} bytes: compare them with git")]
pub struct TooLong;

/// What changed from `old` to `new`; no hunks if nothing did.
///
/// # Errors
/// One of them is too long.
pub fn difference(old: &str, new: &str) -> Result<Difference, TooLong> {
    if [old, new].iter().any(|text| text.len() > BYTES_MAX || text.lines().count() > LINES_MAX) {
        return Err(TooLong);
    }
    let compared = TextDiff::from_lines(old, new);
    let mut difference = Difference::default();
    let mut room = SHOWN_MAX;
    for group in compared.grouped_ops(CONTEXT) {
        let mut lines = Vec::new();
        for op in &group {
            for line in lines_of(&compared, op) {
                match line.kind {
                    LineKind::Same => {}
                    LineKind::Removed => difference.removed += 1,
                    LineKind::Added => difference.added += 1,
                }
                if room > 0 {
                    room -= 1;
                    lines.push(line);
                } else {
                    difference.more += 1;
                }
            }
        }
        if !lines.is_empty() {
            difference.hunks.push(Hunk { header: header(&group), lines });
        }
    }
    Ok(difference)
}

fn lines_of(compared: &TextDiff<'_, '_, str>, op: &DiffOp) -> Vec<Line> {
    if op.old_range().len() + op.new_range().len() > BLOCK_LINES_MAX {
        compared.iter_changes(op).map(|change| line(&InlineChange::from(change))).collect()
    } else {
        compared.iter_inline_changes(op).map(|change| line(&change)).collect()
    }
}

fn line(change: &InlineChange<'_, str>) -> Line {
    let kind = match change.tag() {
        ChangeTag::Equal => LineKind::Same,
        ChangeTag::Delete => LineKind::Removed,
        ChangeTag::Insert => LineKind::Added,
    };
    let mut room = LINE_LETTERS_MAX;
    let mut is_cut = false;
    let mut parts = Vec::new();
    for (is_changed, text) in change.iter_strings_lossy() {
        let text = text.trim_end_matches(['\n', '\r']);
        let kept: String = text.chars().take(room).collect();
        is_cut |= kept.len() < text.len();
        room -= kept.chars().count();
        if !kept.is_empty() {
            parts.push(Part { text: kept, is_changed });
        }
    }
    Line { kind, parts, is_cut, ends_bare: change.missing_newline() }
}

fn header(group: &[DiffOp]) -> String {
    let (Some(first), Some(last)) = (group.first(), group.last()) else { return String::new() };
    let range = |start: usize, end: usize| match end - start {
        0 => format!("{start},0"),
        1 => format!("{}", start + 1),
        count => format!("{},{count}", start + 1),
    };
    let old = range(first.old_range().start, last.old_range().end);
    let new = range(first.new_range().start, last.new_range().end);
    format!("@@ -{old} +{new} @@")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `diff -u` writes it, with `[ ]` around changed words.
    fn drawn(difference: &Difference) -> String {
        let mut text = String::new();
        for hunk in &difference.hunks {
            text += &format!("{}\n", hunk.header);
            for line in &hunk.lines {
                text += match line.kind {
                    LineKind::Same => " ",
                    LineKind::Removed => "-",
                    LineKind::Added => "+",
                };
                for part in &line.parts {
                    text += &if part.is_changed { format!("[{}]", part.text) } else { part.text.clone() };
                }
                text += if line.ends_bare { "\\\n" } else { "\n" };
            }
        }
        text
    }

    #[test]
    fn changed_words_are_marked_in_their_lines() {
        let old = "a\nb\nc\nrun: rm -rf /srv/old\ne\nf\ng\nh\n";
        let new = "a\nb\nc\nrun: rm -rf /srv/new\ne\nf\ng\nh\n";
        let found = difference(old, new).unwrap();
        let expected = "@@ -1,7 +1,7 @@\n a\n b\n c\n-run: rm -rf [/srv/old]\n+run: rm -rf [/srv/new]\n e\n f\n g\n";
        assert_eq!(drawn(&found), expected);
        assert_eq!((found.added, found.removed, found.more), (1, 1, 0));
        assert_eq!(difference(old, old).unwrap(), Difference::default());
    }

    #[test]
    fn a_newline_at_the_end_is_a_difference_that_shows() {
        assert_eq!(drawn(&difference("a\n", "a").unwrap()), "@@ -1 +1 @@\n-a\n+a\\\n");
    }

    #[test]
    fn a_long_difference_is_cut_and_its_true_size_told() {
        let new: String = (0..1000).map(|number| format!("line {number}\n")).collect();
        let found = difference("", &new).unwrap();
        let shown: usize = found.hunks.iter().map(|hunk| hunk.lines.len()).sum();
        assert_eq!((shown, found.added, found.more), (SHOWN_MAX, 1000, 1000 - SHOWN_MAX));
        let found = difference("", &"é".repeat(LINE_LETTERS_MAX + 1)).unwrap();
        let line = &found.hunks[0].lines[0];
        assert!(line.is_cut && line.parts[0].text.chars().count() == LINE_LETTERS_MAX);
    }

    #[test]
    fn texts_beyond_the_limits_are_not_compared() {
        assert_eq!(difference("", &"x".repeat(BYTES_MAX + 1)), Err(TooLong));
        assert_eq!(difference("", &"\n".repeat(LINES_MAX + 1)), Err(TooLong));
    }

    #[test]
    fn two_texts_that_share_nothing_are_compared_at_the_limit_in_time() {
        let text = |seed: usize| -> String { (0..LINES_MAX).map(|line| format!("{}\n", line * 7 + seed)).collect() };
        let found = difference(&text(0), &text(3)).unwrap();
        assert_eq!((found.added, found.removed), (LINES_MAX, LINES_MAX));
    }
}
