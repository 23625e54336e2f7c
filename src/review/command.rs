//! Two texts word by word.

use serde::Serialize;
use similar::{ChangeTag, TextDiff};

use crate::check::shell;

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

/// Whether a shell reads the same words in both: only space at line ends, blank lines and comments on lines of their own
/// differ. Where that cannot be told from the text (quotes over lines, here-documents, lines that go on), only the very
/// same text is.
pub fn reads_the_same(before: &str, after: &str) -> bool {
    match (words_of(before), words_of(after)) {
        (Some(before), Some(after)) => before == after,
        _ => before == after,
    }
}

/// The lines without what a shell leaves out; none where a line may be something else than it looks like.
fn words_of(text: &str) -> Option<Vec<&str>> {
    // A here-document keeps what stands at the start of its lines, and a backslash joins two lines.
    if text.contains("<<") || text.lines().any(|line| line.trim_end().ends_with('\\')) {
        return None;
    }
    let mut kept = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let is_comment = line.trim_start().starts_with('#');
        // The first line of a script says which program reads it.
        let names_reader = at == 0 && line.starts_with("#!");
        if !is_comment && quote_stays_open(line) {
            return None;
        }
        if names_reader || !(is_comment || line.trim().is_empty()) {
            kept.push(line.trim_end());
        }
    }
    Some(kept)
}

/// Whether a quote that this line opens is not closed in it.
fn quote_stays_open(line: &str) -> bool {
    let mut open = None;
    let mut letters = line.chars().peekable();
    let mut before = ' ';
    while let Some(letter) = letters.next() {
        match (open, letter) {
            (None | Some('"'), '\\') => _ = letters.next(),
            (None, '#') if before.is_whitespace() => return false,
            (None, '\'' | '"' | '`') => open = Some(letter),
            (Some(quote), letter) if quote == letter => open = None,
            _ => {}
        }
        before = letter;
    }
    open.is_some()
}

/// Programs that do whatever their input or arguments say: from the name alone nobody knows what that is.
const DOES_ANYTHING: [&str; 16] = [
    "sh", "bash", "dash", "zsh", "ksh", "eval", "source", ".", "python", "python3", "perl", "ruby", "node", "curl",
    "wget", "nc",
];

/// Why a command may do more than read, as far as its text tells; none if nothing speaks for it.
pub fn suspect(command: &str) -> Option<String> {
    let reading = shell::read(command);
    let by_call = reading.calls.iter().find_map(|call| {
        let program = call.program();
        let does = shell::change_by(call);
        let does = does.or_else(|| DOES_ANYTHING.contains(&program).then(|| "does whatever it is told".to_owned()));
        Some(format!("{program} {}", does?))
    });
    let by_writing = || {
        let written = reading.writes.iter().find(|target| shell::file_written(target));
        written.map(|target| format!("it writes {}", target.text))
    };
    let unread = || reading.calls.is_empty().then(|| "nobody can tell what it does".to_owned());
    by_call.or_else(by_writing).or_else(unread)
}
