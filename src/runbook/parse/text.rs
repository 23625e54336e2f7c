//! The three kinds of text in a runbook: commands, conditions, and texts for people.

use super::super::model::Condition;
use super::super::scope::{Names, Problem};
use super::super::{condition as conditions, shell as shells, template};
use crate::yaml::Item;

/// One line for people: a step's name is shorter still.
pub(super) const LINE_CHARACTERS_MAX: usize = 200;
/// A text for people.
pub(super) const TEXT_CHARACTERS_MAX: usize = 4000;

/// A command for `shell`.
pub(super) fn command(item: Item<'_>, shell: &str) -> Option<String> {
    let text = item.filled_text()?;
    if text.len() > shells::BYTES_MAX {
        let message = format!("the command has {} bytes, more than {} KiB", text.len(), shells::BYTES_MAX / 1024);
        item.error("schema[type]", message, "put it in a file beside the runbook, and use `script`");
        return None;
    }
    if let Some((part, inner)) = shells::template_in(text) {
        let name = inner.split(['.', ' ']).next().unwrap_or_default();
        let help = format!("values are shell variables: write \"${name}\"");
        item.error_within("template-in-command", part, "`{{` does not work in commands", Some(help));
        return None;
    }
    if shells::is_judged(shell)
        && let Err(problem) = shells::check(text)
    {
        let message = match problem.line {
            Some(line) if text.trim_end().contains('\n') => format!("line {line} of the command: {}", problem.message),
            Some(_) | None => problem.message,
        };
        item.error("syntax", message, "close every quote, bracket, `if` and `for` of the command");
        return None;
    }
    Some(text.to_owned())
}

/// The name or path of a shell.
pub(super) fn shell(item: Item<'_>) -> Option<String> {
    let text = item.line(LINE_CHARACTERS_MAX)?;
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._+-".contains(letter);
    if !text.starts_with('-') && text.chars().all(plain) {
        return Some(text.to_owned());
    }
    item.error("schema[type]", "this is not the name of a shell", "write `sh`, `bash` or a path, without arguments");
    None
}

/// A condition over `names`.
pub(super) fn condition(item: Item<'_>, names: &Names) -> Option<Condition> {
    let text = item.filled_text()?;
    match conditions::check(text, names) {
        Ok(()) => Some(Condition(text.to_owned())),
        Err(problems) => {
            note(item, problems);
            None
        }
    }
}

/// A text for people, with `names` in it.
pub(super) fn for_people(item: Item<'_>, characters_max: usize, names: &Names) -> Option<String> {
    checked(item, item.short_text(characters_max)?, names)
}

/// The same on one line.
pub(super) fn line_for_people(item: Item<'_>, characters_max: usize, names: &Names) -> Option<String> {
    checked(item, item.line(characters_max)?, names)
}

fn checked(item: Item<'_>, text: &str, names: &Names) -> Option<String> {
    match template::check(text, names) {
        Ok(()) => Some(text.trim_end_matches('\n').to_owned()),
        Err(problems) => {
            note(item, problems);
            None
        }
    }
}

fn note(item: Item<'_>, problems: Vec<Problem>) {
    for problem in problems {
        item.error_within(problem.kind.rule(), problem.part, problem.message, problem.help);
    }
}
