//! Finding runbooks by words: what fits best stands first, and shows why it fits.

use crate::id::RunbookPath;
use crate::runbook::model::{Action, Owner, Runbook, Wait};

/// Words of a query that are looked for; what follows them narrows nothing that a person would read.
const WORDS_MAX: usize = 8;

/// Characters of a line that is shown because it fits.
const SNIPPET_CHARACTERS_MAX: usize = 120;

/// Where in a runbook a word may stand, what weighs most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    Name,
    Alert,
    Tag,
    Path,
    Owner,
    Summary,
    Step,
    Command,
}

impl Field {
    fn weight(self) -> u32 {
        match self {
            Self::Name => 100,
            Self::Alert => 90,
            Self::Tag => 80,
            Self::Path => 60,
            Self::Owner => 40,
            Self::Summary => 30,
            Self::Step => 20,
            Self::Command => 10,
        }
    }

    /// What a line that fits is, for people; none for what every line of the list shows in any case.
    pub fn words(self) -> Option<&'static str> {
        match self {
            Self::Alert => Some("alert"),
            Self::Step => Some("step"),
            Self::Command => Some("command"),
            Self::Name | Self::Tag | Self::Path | Self::Owner | Self::Summary => None,
        }
    }
}

/// The words of a query, in lower case.
pub fn words(query: &str) -> Vec<String> {
    query.to_lowercase().split_whitespace().take(WORDS_MAX).map(str::to_owned).collect()
}

/// All that a runbook is found by. One that does not parse is found by its path.
pub fn fields(path: &RunbookPath, runbook: Option<&Runbook>) -> Vec<(Field, String)> {
    let mut fields = vec![(Field::Path, path.to_string())];
    let Some(runbook) = runbook else { return fields };
    fields.push((Field::Name, runbook.name.clone()));
    fields.push((Field::Summary, runbook.summary.clone()));
    fields.extend(runbook.tags.iter().map(|tag| (Field::Tag, tag.clone())));
    fields.extend(runbook.alerts.iter().map(|alert| (Field::Alert, alert.clone())));
    fields.extend(runbook.owner.iter().map(|owner| match owner {
        Owner::Team(name) => (Field::Owner, format!("team:{name}")),
        Owner::User(name) => (Field::Owner, format!("user:{name}")),
    }));
    for step in &runbook.steps {
        fields.push((Field::Step, step.name.clone()));
        let text = match &step.action {
            Action::Check { command } | Action::Run { command, .. } => command.clone(),
            Action::Script { file, args, .. } => format!("{file} {}", args.join(" ")),
            Action::Wait(Wait::Until { check, .. }) => check.clone(),
            Action::Manual { instruction, .. } => instruction.clone(),
            Action::Notify { message, .. } => message.clone(),
            Action::Wait(Wait::For(_)) | Action::Use { .. } => continue,
        };
        fields.push((Field::Command, text));
    }
    fields
}

/// Why a runbook was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// More is better.
    pub score: u32,
    /// The line that fits, where the list would not show it in any case.
    pub line: Option<(Field, String)>,
}

/// Whether every word stands somewhere, and how well it does. No word at all finds everything.
pub fn find(fields: &[(Field, String)], words: &[String]) -> Option<Hit> {
    let mut hit = Hit { score: 0, line: None };
    for word in words {
        let fits = fields.iter().filter_map(|(field, text)| Some((score(*field, text, word)?, *field, text)));
        let (score, field, text) = fits.max_by_key(|(score, field, _)| (*score, std::cmp::Reverse(*field)))?;
        hit.score += score;
        if hit.line.is_none() && field.words().is_some() {
            hit.line = Some((field, line_with(text, word)));
        }
    }
    Some(hit)
}

/// A whole field counts most, the beginning of a word more than its middle.
fn score(field: Field, text: &str, word: &str) -> Option<u32> {
    let text = text.to_lowercase();
    let factor = if text == word { 4 } else { 1 };
    let begins = |at: usize| !text[..at].ends_with(char::is_alphanumeric);
    let best = text.match_indices(word).map(|(at, _)| if begins(at) { 2 } else { 1 }).max()?;
    Some(field.weight() * best * factor)
}

fn line_with(text: &str, word: &str) -> String {
    let line = text.lines().find(|line| line.to_lowercase().contains(word)).unwrap_or(text).trim();
    // What fits stays in sight, however long the line is.
    let lower = line.to_lowercase();
    let at = lower.find(word).map_or(0, |at| lower[..at].chars().count());
    let skipped = at.saturating_sub(SNIPPET_CHARACTERS_MAX / 2);
    let shown: String = line.chars().skip(skipped).take(SNIPPET_CHARACTERS_MAX).collect();
    let (before, after) = (skipped > 0, line.chars().count() > skipped + SNIPPET_CHARACTERS_MAX);
    format!("{}{shown}{}", if before { "… " } else { "" }, if after { " …" } else { "" })
}

/// A part of a text that fits a word, or that does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub text: String,
    pub hit: bool,
}

/// The text in pieces, those that fit a word marked.
pub fn pieces(text: &str, words: &[String]) -> Vec<Piece> {
    // Lower case may have another length, so letters are compared one by one.
    let letters: Vec<char> = text.chars().collect();
    let lower: Vec<char> = letters.iter().map(|letter| letter.to_lowercase().next().unwrap_or(*letter)).collect();
    let mut marked = vec![false; letters.len()];
    for word in words.iter().map(|word| word.chars().collect::<Vec<_>>()).filter(|word| !word.is_empty()) {
        for at in (0..lower.len()).filter(|at| lower[*at..].starts_with(&word)) {
            marked[at..at + word.len()].fill(true);
        }
    }
    let mut pieces: Vec<Piece> = Vec::new();
    for (letter, hit) in letters.into_iter().zip(marked) {
        match pieces.last_mut().filter(|piece| piece.hit == hit) {
            Some(piece) => piece.text.push(letter),
            None => pieces.push(Piece { text: letter.to_string(), hit }),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(field: Field, text: &str) -> (Field, String) {
        (field, text.to_owned())
    }

    fn score_of(fields: &[(Field, String)], query: &str) -> u32 {
        find(fields, &words(query)).map_or(0, |hit| hit.score)
    }

    #[test]
    fn a_name_weighs_more_than_a_command_and_a_beginning_more_than_a_middle() {
        let name = [field(Field::Name, "Disk full on a web host")];
        let command = [field(Field::Command, "df -P /disk")];
        assert!(score_of(&name, "disk") > score_of(&command, "disk"));
        assert!(score_of(&name, "disk") > score_of(&name, "isk"));
        assert!(score_of(&[field(Field::Tag, "disk")], "disk") > score_of(&name, "disk"));
    }

    #[test]
    fn every_word_must_stand_somewhere() {
        let fields = [field(Field::Name, "Disk full"), field(Field::Command, "nginx -t\nsystemctl reload nginx")];
        assert!(find(&fields, &words("disk NGINX")).is_some());
        assert_eq!(find(&fields, &words("disk apache")), None);
        assert_eq!(find(&fields, &[]), Some(Hit { score: 0, line: None }));
    }

    #[test]
    fn the_line_of_a_command_that_fits_is_shown_even_far_to_the_right() {
        let long = format!("first\n{} rm -rf here", "x".repeat(300));
        let hit = find(&[field(Field::Command, &long)], &words("rm")).unwrap();
        let (shown, text) = hit.line.unwrap();
        assert_eq!(shown, Field::Command);
        assert!(text.contains("rm -rf") && text.starts_with("… ") && text.chars().count() < 130, "{text}");
    }

    #[test]
    fn what_fits_is_marked_letter_by_letter() {
        let shown: Vec<String> = pieces("Größe: GRÖSSE disk", &words("größe disk"))
            .into_iter()
            .map(|piece| if piece.hit { format!("[{}]", piece.text) } else { piece.text })
            .collect();
        assert_eq!(shown.concat(), "[Größe]: GRÖSSE [disk]");
        assert_eq!(pieces("", &words("x")), []);
    }

    #[test]
    fn a_letter_whose_lower_case_is_longer_breaks_nothing() {
        for query in ["i", "i\u{307}", "stanbul"] {
            let _ = (find(&[field(Field::Command, "İstanbul İİİ")], &words(query)), pieces("İstanbul", &words(query)));
        }
    }
}
