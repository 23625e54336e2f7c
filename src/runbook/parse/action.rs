//! The one action of a step, and which fields belong to which action.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::model::{Action, Ask, Effect, Wait};
use super::super::scope::ValueType;
use super::around::is_mapping;
use super::known::Known;
use super::{inputs, plain_name, text};
use crate::yaml::{Fields, Item};

/// Between two looks of `verify`, `wait` and `retry` that do not say.
pub(super) const EVERY_DEFAULT: Duration = Duration::from_secs(5);
/// Inputs that another runbook is given; as many as a runbook may have.
const WITH_MAX: usize = 50;
/// Arguments of a script.
const ARGS_MAX: usize = 100;

/// What a step can do; exactly one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::runbook) enum ActionField {
    Check,
    Run,
    Script,
    Manual,
    Wait,
    Use,
    Notify,
}

impl ActionField {
    pub(in crate::runbook) const ALL: [Self; 7] =
        [Self::Check, Self::Run, Self::Script, Self::Manual, Self::Wait, Self::Use, Self::Notify];

    pub(in crate::runbook) fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Run => "run",
            Self::Script => "script",
            Self::Manual => "manual",
            Self::Wait => "wait",
            Self::Use => "use",
            Self::Notify => "notify",
        }
    }

    /// Whether it runs a command, whose outcome `expect` can look at.
    pub(super) fn runs_command(self) -> bool {
        matches!(self, Self::Check | Self::Run | Self::Script)
    }
}

use ActionField::{Check, Manual, Run, Script, Use, Wait as Waiting};

/// The fields that belong to some actions only. All others belong to every step.
pub(in crate::runbook) const FIELDS_OF_ACTIONS: &[(&str, &[ActionField])] = &[
    ("effect", &[Run, Script]),
    ("args", &[Script]),
    ("ask", &[Manual]),
    ("with", &[Use]),
    ("as", &[Check, Run, Script, Manual, Waiting]),
    ("env", &[Check, Run, Script, Manual, Waiting]),
    ("dir", &[Check, Run, Script, Manual, Waiting]),
    ("timeout", &[Check, Run, Script, Manual, Waiting]),
    ("shell", &[Check, Run, Manual, Waiting]),
    ("stdin", &[Check, Run, Script]),
    ("retry", &[Check, Run, Script]),
    ("idempotent", &[Check, Run, Script]),
    ("capture", &[Check, Run, Script]),
    ("merge", &[Check, Run, Script]),
    ("attach", &[Check, Run, Script]),
    ("expect", &[Check, Run, Script, Manual]),
    ("verify", &[Run, Script, Manual]),
    ("preview", &[Run, Script]),
    ("undo", &[Run, Script, Manual]),
    ("expect_disconnect", &[Run, Script]),
    ("wait_for", &[Run, Script]),
];

/// Finds the action of a step; notes where there is none, or more than one, and fields of another one.
pub(super) fn find(fields: &Fields<'_>) -> Option<ActionField> {
    let all = ActionField::ALL.map(ActionField::name).join(", ");
    let given: Vec<ActionField> =
        ActionField::ALL.into_iter().filter(|action| fields.names().any(|name| name == action.name())).collect();
    match given.as_slice() {
        [] => {
            fields.missing("the step has no action", format!("add one of {all}"));
            None
        }
        [action] => Some(*action),
        [first, more @ ..] => {
            for other in more {
                let message = format!("the step has `{}` already: it cannot have `{}` too", first.name(), other.name());
                fields.key_error(other.name(), "schema[type]", message, "make it two steps");
            }
            None
        }
    }
}

pub(super) fn refuse_fields_of_others(fields: &Fields<'_>, action: ActionField) {
    for (field, actions) in FIELDS_OF_ACTIONS {
        if !actions.contains(&action) && fields.names().any(|name| name == *field) {
            let owners: Vec<String> = actions.iter().map(|action| format!("`{}`", action.name())).collect();
            let message = format!("`{field}` belongs to {}, but this step has `{}`", owners.join(", "), action.name());
            fields.key_error(field, "schema[unknown-key]", message, "remove it, or change the action");
        }
    }
}

/// Reads the action; the names of what it asks for go to `asked`.
pub(super) fn read(
    field: ActionField,
    fields: &mut Fields<'_>,
    known: &Known,
    shell: &str,
    asked: &mut BTreeMap<String, ValueType>,
) -> Option<Action> {
    let item = fields.get(field.name())?;
    match field {
        Check => text::command(item, shell).map(|command| Action::Check { command }),
        Run => {
            let effect = fields.get("effect").map_or(Some(Effect::Change), effect);
            let command = text::command(item, shell);
            Some(Action::Run { command: command?, effect: effect? })
        }
        Script => script(item, fields),
        Manual => manual(item, fields, known, asked),
        Waiting => wait(item, known, shell).map(Action::Wait),
        Use => use_runbook(item, fields),
        ActionField::Notify => notify(item, known),
    }
}

fn effect(item: Item<'_>) -> Option<Effect> {
    item.choice(&[("change", Effect::Change), ("destructive", Effect::Destructive)])
}

fn script_effect(item: Item<'_>) -> Option<Effect> {
    item.choice(&[("check", Effect::Check), ("change", Effect::Change), ("destructive", Effect::Destructive)])
}

fn script(item: Item<'_>, fields: &mut Fields<'_>) -> Option<Action> {
    let file = script_file(item);
    let args = fields.get("args").map_or(Some(Vec::new()), |item| {
        let args = item.list_of(|item| item.text().map(str::to_owned))?;
        if args.len() > ARGS_MAX {
            item.error("schema[type]", format!("more than {ARGS_MAX} arguments"), "send them on `stdin`");
        }
        Some(args)
    });
    let effect = fields.required("effect").and_then(script_effect);
    Some(Action::Script { file: file?, args: args?, effect: effect? })
}

/// A file beside the runbook: its folder or below it.
fn script_file(item: Item<'_>) -> Option<String> {
    let text = item.line(text::LINE_CHARACTERS_MAX)?;
    let part_holds = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    if text.split('/').all(part_holds) {
        return Some(text.to_owned());
    }
    item.error(
        "schema[type]",
        "this is not a file beside the runbook",
        "write a path below its folder, such as `scripts/trim.sh`",
    );
    None
}

fn manual(
    item: Item<'_>,
    fields: &mut Fields<'_>,
    known: &Known,
    asked: &mut BTreeMap<String, ValueType>,
) -> Option<Action> {
    let instruction = text::for_people(item, text::TEXT_CHARACTERS_MAX, known.names());
    let ask: Option<Vec<Ask>> = match fields.get("ask") {
        None => Some(Vec::new()),
        Some(item) => {
            let (types, ask) = inputs::ask(item, known);
            asked.extend(types);
            ask
        }
    };
    Some(Action::Manual { instruction: instruction?, ask: ask? })
}

fn wait(item: Item<'_>, known: &Known, shell: &str) -> Option<Wait> {
    if !is_mapping(&item) {
        return item.positive_duration().map(Wait::For);
    }
    let mut fields = item.fields()?;
    let until = fields.required("until").and_then(|item| until(item, known, shell));
    fields.finish();
    until
}

fn until(item: Item<'_>, known: &Known, shell: &str) -> Option<Wait> {
    let mut fields = item.fields()?;
    let check = fields.required("check").and_then(|item| text::command(item, shell));
    let expect = fields.get("expect").and_then(|item| text::condition(item, &known.with_outcome(&BTreeMap::new())));
    let every = fields.get("every").and_then(|item| item.positive_duration());
    let limit = fields.required("for").and_then(|item| item.positive_duration());
    fields.finish();
    Some(Wait::Until { check: check?, expect, every: every.unwrap_or(EVERY_DEFAULT), limit: limit? })
}

fn use_runbook(item: Item<'_>, fields: &mut Fields<'_>) -> Option<Action> {
    let runbook = item.id();
    let with = fields.get("with").map_or(Some(BTreeMap::new()), |item| {
        let entries = item.entries_up_to(WITH_MAX)?;
        let values: Vec<_> = entries
            .into_iter()
            .map(|(item, name)| {
                let value = item.text().map(str::to_owned);
                let name = name.parse().map_err(|error: crate::id::InvalidId| {
                    item.key_error(
                        "schema[type]",
                        format!("{name:?} is not the name of an input"),
                        format!("use {}", error.rule),
                    );
                });
                Some((name.ok()?, value?))
            })
            .collect();
        values.into_iter().collect()
    });
    Some(Action::Use { runbook: runbook?, with: with? })
}

fn notify(item: Item<'_>, known: &Known) -> Option<Action> {
    let mut fields = item.fields()?;
    let channel = fields.required("to").and_then(|item| plain_name(item, "a channel"));
    let message =
        fields.required("message").and_then(|item| text::for_people(item, text::TEXT_CHARACTERS_MAX, known.names()));
    fields.finish();
    Some(Action::Notify { channel: channel?, message: message? })
}
