//! A review as a comment on a pull request.

use super::{Change, Fate, FileReview, PieceKind, Rating, Review};

/// Changes that are told of one file; the rest is counted. Comments have a length that forges cut at.
const CHANGES_MAX: usize = 60;

/// Files that are told.
const FILES_MAX: usize = 60;

/// Letters of a command that are told.
const LETTERS_MAX: usize = 2_000;

/// The review as Markdown (GitHub's and GitLab's).
pub fn markdown(review: &Review) -> String {
    let count = |rating| review.count(rating);
    let mut text = String::from("## What this change makes more dangerous\n\n");
    if review.files.is_empty() {
        text.push_str("Nothing: no runbook, host, grant or window is other than it was.\n");
        return text;
    }
    text.push_str(&format!(
        "**{} more dangerous** · {} the same · {} safer\n",
        count(Rating::MoreDangerous),
        count(Rating::Same),
        count(Rating::Safer)
    ));
    for file in review.files.iter().take(FILES_MAX) {
        one(file, &mut text);
    }
    if let Some(more @ 1..) = review.files.len().checked_sub(FILES_MAX) {
        text.push_str(&format!("\n… and {more} more files.\n"));
    }
    for left_out in &review.left_out {
        text.push_str(&format!("\nNot compared: {}\n", plain(left_out)));
    }
    text
}

fn one(file: &FileReview, text: &mut String) {
    let fate = match &file.fate {
        Fate::Added => " (new)".to_owned(),
        Fate::Removed => " (gone)".to_owned(),
        Fate::Moved(from) => format!(" (was {})", code(from)),
        Fate::Changed => String::new(),
        Fate::Untouched => " (not changed itself)".to_owned(),
    };
    text.push_str(&format!("\n### {}{fate}\n\n", code(&file.file)));
    if file.changes.is_empty() {
        text.push_str("Only layout and comments.\n");
    }
    for change in file.changes.iter().take(CHANGES_MAX) {
        told(change, text);
    }
    if let Some(more @ 1..) = file.changes.len().checked_sub(CHANGES_MAX) {
        text.push_str(&format!("- … and {more} more\n"));
    }
}

fn told(change: &Change, text: &mut String) {
    let mark = match change.rating {
        Rating::MoreDangerous => "🔴 **more dangerous**",
        Rating::Same => "⚪ same",
        Rating::Safer => "🟢 safer",
    };
    let place = if change.place.is_empty() { String::new() } else { format!("{}: ", code(&change.place)) };
    text.push_str(&format!("- {mark} — {place}{} — {}\n", plain(&change.what), plain(&change.why)));
    if !change.words.is_empty() {
        text.push_str(&fenced(change));
    }
}

/// The two texts as a block that forges colour, one line removed and one added for each line that differs.
fn fenced(change: &Change) -> String {
    let side = |left_out: PieceKind, sign: char| -> Vec<String> {
        let whole: String =
            change.words.iter().filter(|piece| piece.kind != left_out).map(|piece| piece.text.as_str()).collect();
        let cut: String = whole.chars().take(LETTERS_MAX).collect();
        cut.lines()
            .map(|line| format!("  {sign} {}", line.replace("```", "'''").replace(char::is_control, "\u{fffd}")))
            .collect()
    };
    let (old, new) = (side(PieceKind::Added, '-'), side(PieceKind::Removed, '+'));
    format!("  ```diff\n{}\n{}\n  ```\n", old.join("\n"), new.join("\n"))
}

/// Text that a name or a command brought along: a word of the page, never its markup.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars().take(LETTERS_MAX) {
        match letter {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '!' | '@' | '~' | '&' => {
                plain.push('\\');
                plain.push(letter);
            }
            letter if letter.is_control() => plain.push(' '),
            letter => plain.push(letter),
        }
    }
    plain
}

fn code(text: &str) -> String {
    format!("`{}`", text.replace('`', "'").replace(char::is_control, " "))
}
