//! `inputs` of a runbook, and `ask` of a manual step: the two places that declare what people give.

use std::collections::BTreeSet;

use super::super::model::{Ask, Input, InputKind};
use super::super::scope::ValueType;
use super::super::value::{Rules, parse as parse_value, whole_pattern};
use super::known::Known;
use super::text::LINE_CHARACTERS_MAX;
use crate::id::SecretName;
use crate::yaml::{Fields, Item};

/// A form with more fields is not filled in during an incident.
const INPUTS_MAX: usize = 50;
/// A longer list wants a text with a pattern.
const OPTIONS_MAX: usize = 100;

pub(super) fn inputs(item: Item<'_>, known: &mut Known) -> Option<Vec<Input>> {
    let entries = item.entries_up_to(INPUTS_MAX)?;
    let inputs: Vec<Option<Input>> = entries.into_iter().map(|(item, name)| input(item, name, known)).collect();
    inputs.into_iter().collect()
}

fn input(item: Item<'_>, name: &str, known: &mut Known) -> Option<Input> {
    let declared = declared(item, Needs::Type);
    let kind = declared.as_ref().map_or(ValueType::Unknown, |declared| ValueType::from(&declared.kind));
    let name = known.add_input(&item, name, kind);
    let mut declared = declared?;
    let required = declared.fields.get("required").and_then(|item| item.boolean());
    let from_alert = declared.fields.get("from_alert").and_then(super::hosts::alert_path);
    let from_secret = declared.fields.get("from_secret").map(|item| from_secret(item, &declared.kind));
    if let (Some(_), Some(item)) = (&from_secret, declared.fields.get("from_alert")) {
        item.key_error("schema[type]", "a secret of the server does not come from an alert", "keep one of the two");
    }
    let default = match (declared.fields.get("default"), &declared.kind) {
        (Some(item), InputKind::Secret) => {
            item.key_error("schema[type]", "a secret has no default", "remove it: a secret is never stored");
            None
        }
        // A bare number is told as everywhere else.
        (Some(item), InputKind::Duration) => {
            item.duration().and_then(|_| parse_value(declared.rules(), item.text()?).ok())
        }
        (Some(item), _) => item.scalar("a value").and_then(|scalar| {
            let given = parse_value(declared.rules(), &scalar.text);
            given
                .map_err(|reason| {
                    item.error("schema[type]", format!("the default does not fit: {reason}"), "change it")
                })
                .ok()
        }),
        (None, _) => None,
    };
    declared.fields.finish();
    Some(Input {
        name: name?,
        description: declared.description?,
        kind: declared.kind,
        default,
        required: required.unwrap_or(true),
        pattern: declared.pattern,
        min: declared.min,
        max: declared.max,
        from_alert,
        // One that cannot be read must not turn into one that is asked for.
        from_secret: match from_secret {
            None => None,
            Some(name) => Some(name?),
        },
    })
}

fn from_secret(item: Item<'_>, kind: &InputKind) -> Option<SecretName> {
    if *kind != InputKind::Secret {
        item.key_error("schema[type]", "only a secret comes from the server's secrets", "write `type: secret`");
        return None;
    }
    item.id()
}

/// The questions of a manual step, in the order written, and the types of their names.
pub(super) fn ask(item: Item<'_>, known: &Known) -> (Vec<(String, ValueType)>, Option<Vec<Ask>>) {
    let Some(entries) = item.entries_up_to(INPUTS_MAX) else { return (Vec::new(), None) };
    if entries.is_empty() {
        item.error("schema[missing]", "asks for nothing", "name a value, or remove `ask`");
    }
    let mut types = Vec::new();
    let mut asked = Vec::new();
    for (item, name) in entries {
        let declared = declared(item, Needs::NoSecret);
        types.push((name.to_owned(), declared.as_ref().map_or(ValueType::Unknown, |declared| (&declared.kind).into())));
        let name = known.captured_name(&item, name);
        asked.push(declared.and_then(|declared| {
            declared.fields.finish();
            Some(Ask {
                name: name?,
                description: declared.description?,
                kind: declared.kind,
                pattern: declared.pattern,
                min: declared.min,
                max: declared.max,
            })
        }));
    }
    (types, asked.into_iter().collect())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    Type,
    /// A secret that someone types into a checklist would be stored with it.
    NoSecret,
}

/// What inputs and questions have in common. The fields that are left are the caller's.
struct Declared<'r> {
    fields: Fields<'r>,
    description: Option<String>,
    kind: InputKind,
    pattern: Option<String>,
    min: Option<f64>,
    max: Option<f64>,
}

impl Declared<'_> {
    fn rules(&self) -> Rules<'_> {
        Rules { kind: &self.kind, pattern: self.pattern.as_deref(), min: self.min, max: self.max }
    }
}

/// `None` when the type is not known, after every other field was looked at.
fn declared(item: Item<'_>, needs: Needs) -> Option<Declared<'_>> {
    let mut fields = item.fields()?;
    let description = fields
        .required("description")
        .and_then(|item| item.short_text(LINE_CHARACTERS_MAX))
        .map(|text| text.trim_end().to_owned());
    let options = fields.get("options");
    let kind = fields.required("type").and_then(|item| kind(item, needs));
    let kind = kind.and_then(|kind| with_options(kind, options, &fields));
    let pattern = fields.get("pattern").and_then(|item| pattern(item, kind.as_ref()));
    let min = fields.get("min").and_then(|item| bound(item, kind.as_ref()));
    let max = fields.get("max").and_then(|item| bound(item, kind.as_ref()));
    if let (Some(low), Some(high), Some(item)) = (min, max, fields.get("max"))
        && low > high
    {
        item.error("schema[type]", format!("max {high} is less than min {low}"), "swap them");
    }
    let Some(kind) = kind else {
        fields.know(&["required", "default", "from_alert", "from_secret"]);
        fields.finish();
        return None;
    };
    Some(Declared { fields, description, kind, pattern, min, max })
}

fn kind(item: Item<'_>, needs: Needs) -> Option<InputKind> {
    let kind = item.choice(&[
        ("string", InputKind::String),
        ("integer", InputKind::Integer),
        ("number", InputKind::Number),
        ("boolean", InputKind::Boolean),
        ("choice", InputKind::Choice(Vec::new())),
        ("duration", InputKind::Duration),
        ("secret", InputKind::Secret),
    ])?;
    if needs == Needs::NoSecret && kind == InputKind::Secret {
        item.error("schema[type]", "a manual step cannot ask for a secret", "declare it under `inputs`");
        return None;
    }
    Some(kind)
}

fn with_options(kind: InputKind, options: Option<Item<'_>>, fields: &Fields<'_>) -> Option<InputKind> {
    match (kind, options) {
        (InputKind::Choice(_), Some(item)) => choice_options(item).map(InputKind::Choice),
        (InputKind::Choice(_), None) => {
            fields.missing("a choice needs its options", "add `options: [first, second]`");
            None
        }
        (kind, Some(item)) => {
            item.key_error("schema[unknown-key]", "only a choice has options", "write `type: choice`, or remove them");
            Some(kind)
        }
        (kind, None) => Some(kind),
    }
}

fn choice_options(item: Item<'_>) -> Option<Vec<String>> {
    let options = item.list_of(|item| item.line(LINE_CHARACTERS_MAX).map(str::to_owned))?;
    let unique: BTreeSet<&String> = options.iter().collect();
    if options.is_empty() || options.len() > OPTIONS_MAX {
        item.error("schema[type]", format!("a choice has 1 to {OPTIONS_MAX} options"), "list what can be chosen");
    } else if unique.len() < options.len() {
        item.error("duplicate-id", "an option is given twice", "keep one");
    } else {
        return Some(options);
    }
    None
}

fn pattern(item: Item<'_>, kind: Option<&InputKind>) -> Option<String> {
    if !matches!(kind, None | Some(InputKind::String | InputKind::Secret)) {
        item.key_error("schema[unknown-key]", "only texts and secrets have a pattern", "remove it");
        return None;
    }
    let pattern = item.filled_text()?;
    match whole_pattern(pattern) {
        Ok(_) => Some(pattern.to_owned()),
        Err(reason) => {
            item.error(
                "syntax",
                format!("the pattern is not a regular expression: {reason}"),
                "it must match the whole value",
            );
            None
        }
    }
}

fn bound(item: Item<'_>, kind: Option<&InputKind>) -> Option<f64> {
    if !matches!(kind, None | Some(InputKind::Integer | InputKind::Number)) {
        item.key_error("schema[unknown-key]", "only numbers have bounds", "remove it, or write `type: integer`");
        return None;
    }
    item.number()
}
