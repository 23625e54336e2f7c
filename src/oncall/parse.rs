//! `oncall.yaml`: text in, what it says and all that is wrong out.

mod chain;
mod people;
mod rotation;
mod time;
mod window;

use crate::access::account::AccountName;
use crate::oncall::Oncall;
use crate::yaml::{self, Fields, Item, Reader, suggestion};

/// The version of the format.
pub const VERSION: i64 = 1;

/// More windows than anyone tells apart.
const WINDOWS_MAX: usize = 200;

/// Of rotations, chains, channels and calendars: more in one file are several teams' files.
const NAMED_MAX: usize = 200;

const WHY_CHARACTERS_MAX: usize = 200;

const TITLE_CHARACTERS_MAX: usize = 100;

const NAME_RULE: &str = "use letters, digits, - and _, at most 64";

/// Reads the file. `file` is its name in diagnostics.
pub fn parse(file: &str, bytes: &[u8]) -> Oncall {
    let document = yaml::read(file, bytes);
    let mut oncall = Oncall { diagnostics: document.diagnostics, ..Oncall::default() };
    let Some(root) = document.root else { return oncall };
    let reader = Reader::new(file);
    read(reader.item(&root), &mut oncall);
    oncall.diagnostics.append(&mut reader.finish());
    oncall.diagnostics.sort_by_key(|diagnostic| diagnostic.span.start);
    oncall
}

/// Names come before what refers to them, wherever they stand in the file.
fn read(root: Item<'_>, oncall: &mut Oncall) {
    let Some(mut fields) = root.fields() else { return };
    if let Some(version) = fields.required("steadyhand")
        && let Some(number) = version.integer()
        && number != VERSION
    {
        let message = format!("version {number} of the on-call format is not known here");
        version.error("schema[version]", message, format!("write `steadyhand: {VERSION}`"));
    }
    oncall.zone = fields.get("zone").and_then(time::zone);
    let zone = oncall.zone.clone();
    for (item, name) in named(&mut fields, "windows", "window", WINDOWS_MAX) {
        if let Some(window) = window::window(item, zone.as_ref()) {
            oncall.windows.insert(name.to_owned(), window);
        }
    }
    people::read(&mut fields, oncall);
    rotation::read(&mut fields, oncall);
    chain::read(&mut fields, oncall);
    fields.finish();
}

/// The entries of a mapping whose keys are names; a key that is none is told, and its value is read all the same.
fn named<'r>(fields: &mut Fields<'r>, field: &'static str, what: &str, entries_max: usize) -> Vec<(Item<'r>, &'r str)> {
    let entries = fields.get(field).and_then(|item| item.entries_up_to(entries_max)).unwrap_or_default();
    for (item, name) in &entries {
        if !is_name(name) {
            item.key_error("schema[type]", format!("{name:?} is no name for a {what}"), NAME_RULE);
        }
    }
    entries
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// `anna`, or `user:anna`.
fn person(item: Item<'_>) -> Option<AccountName> {
    account(item, item.text()?)
}

fn account(item: Item<'_>, text: &str) -> Option<AccountName> {
    match text.strip_prefix("user:").unwrap_or(text).parse() {
        Ok(name) => Some(name),
        Err(invalid) => {
            item.error("oncall[who]", format!("{text:?} is not an account's name"), format!("use {}", invalid.rule));
            None
        }
    }
}

/// Notes that a name refers to nothing.
fn unknown<'n>(item: Item<'_>, rule: &str, what: &str, name: &str, known: impl Iterator<Item = &'n String>, add: &str) {
    let known: Vec<&String> = known.collect();
    let help = suggestion(name, &known).unwrap_or_else(|| add.to_owned());
    item.error(rule, format!("there is no {what} {name:?}"), help);
}

#[cfg(test)]
mod tests;
