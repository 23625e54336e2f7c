//! Two texts word by word.

use serde::Serialize;
use similar::{ChangeTag, TextDiff};

/// Bytes of a text that is compared word by word; of longer ones only that they differ is told.
const TEXT_BYTES_MAX: usize = 64 * 1024;

/// A run of words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Piece {
    pub kind: PieceKind,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PieceKind {
    Kept,
    Removed,
    Added,
}

/// The words that both have, that only the first has, and that only the second has, in order.
pub fn pieces(before: &str, after: &str) -> Vec<Piece> {
    if before.len().max(after.len()) > TEXT_BYTES_MAX {
        return Vec::new();
    }
    let mut pieces: Vec<Piece> = Vec::new();
    for change in TextDiff::from_words(before, after).iter_all_changes() {
        let kind = match change.tag() {
            ChangeTag::Equal => PieceKind::Kept,
            ChangeTag::Delete => PieceKind::Removed,
            ChangeTag::Insert => PieceKind::Added,
        };
        match pieces.last_mut() {
            Some(last) if last.kind == kind => last.text.push_str(change.value()),
            _ => pieces.push(Piece { kind, text: change.value().to_owned() }),
        }
    }
    pieces
}

/// Whether a shell reads the same words in both: only space at line ends, blank lines and whole-line comments differ.
/// Anything inside a line may be quoted, and is left as it is.
pub fn reads_the_same(before: &str, after: &str) -> bool {
    // A here-document keeps what stands at the start of its lines: nothing is left out there.
    if before.contains("<<") || after.contains("<<") {
        return before == after;
    }
    let lines = |text: &str| -> Vec<String> {
        let plain = |line: &&str| !line.is_empty() && !line.trim_start().starts_with('#');
        text.lines().map(str::trim_end).filter(plain).map(str::to_owned).collect()
    };
    // Inside quotes that go over lines even a line of a comment is text.
    let open = |text: &str| text.lines().any(|line| !line.matches(['\'', '"']).count().is_multiple_of(2));
    // A line that ends in a backslash goes on in the next, be that a comment or not.
    let goes_on = |text: &str| text.lines().any(|line| line.trim_end().ends_with('\\'));
    if [before, after].into_iter().any(|text| open(text) || goes_on(text)) {
        return before == after;
    }
    lines(before) == lines(after)
}
