//! What stands around steps and runs: guards, approval, escalation, and what follows a failure.

use super::super::model::{Approval, Escalate, OnFailure, RunGuard, StepGuard};
use super::known::Known;
use super::text;
use super::{owner, plain_name};
use crate::yaml::{Item, Kind};

pub(super) fn run_guards(item: Item<'_>) -> Option<Vec<RunGuard>> {
    item.list_of(run_guard)
}

/// One guard is one field.
fn run_guard(item: Item<'_>) -> Option<RunGuard> {
    let mut fields = item.fields()?;
    let guards = [
        fields.get("on_call").map(|item| item.boolean().map(RunGuard::OnCall)),
        fields.get("only_during").map(|item| plain_name(item, "a window").map(RunGuard::OnlyDuring)),
        fields.get("not_during").map(|item| plain_name(item, "a window").map(RunGuard::NotDuring)),
        fields.get("lock").map(|item| plain_name(item, "a lock").map(RunGuard::Lock)),
    ];
    let given = guards.iter().flatten().count();
    if given == 0 && fields.names().next().is_none() {
        fields.missing("the guard is empty", "add `lock: disk`, `on_call: true` or `not_during: freeze`");
    }
    if given > 1 {
        item.error("schema[type]", "one guard has one field", "begin each with its own `- `");
    } else if given == 0 && fields.names().next().is_some() {
        fields.missing("the guard guards nothing", "add `lock: disk`, `on_call: true` or `not_during: freeze`");
    }
    fields.finish();
    guards.into_iter().flatten().next().flatten()
}

pub(super) fn step_guards(item: Item<'_>, known: &Known, shell: &str) -> Option<Vec<StepGuard>> {
    item.list_of(|item| {
        let mut fields = item.fields()?;
        let check = fields.required("check").and_then(|item| text::command(item, shell));
        let expect =
            fields.get("expect").and_then(|item| text::condition(item, &known.with_outcome(&Default::default())));
        let otherwise =
            fields.get("else").and_then(|item| text::for_people(item, text::TEXT_CHARACTERS_MAX, known.names()));
        fields.finish();
        Some(StepGuard { check: check?, expect, otherwise })
    })
}

pub(super) fn approval(item: Item<'_>, known: &Known) -> Option<Approval> {
    let mut fields = item.fields()?;
    let prompt = fields.get("prompt").and_then(|item| text::for_people(item, text::TEXT_CHARACTERS_MAX, known.names()));
    let from = fields.required("from").and_then(|item| {
        let owners = item.list_of(owner)?;
        if owners.is_empty() {
            item.error("schema[type]", "nobody could approve", "write `from: [team:web]`");
        }
        Some(owners)
    });
    let min = fields.get("min").and_then(|item| {
        let min: u32 = item.whole_number()?;
        if min == 0 {
            item.error("schema[type]", "at least one must approve", "write `min: 1`, or remove `approval`");
        }
        Some(min)
    });
    let within = fields.get("within").and_then(|item| item.positive_duration());
    fields.finish();
    Some(Approval { prompt, from: from?, min: min.unwrap_or(1), within })
}

pub(super) fn escalate(item: Item<'_>, known: &Known) -> Option<Escalate> {
    let mut fields = item.fields()?;
    let to = fields.required("to").and_then(|item| plain_name(item, "an escalation"));
    let after = fields.get("after").and_then(|item| item.positive_duration());
    let message =
        fields.get("message").and_then(|item| text::for_people(item, text::TEXT_CHARACTERS_MAX, known.names()));
    fields.finish();
    Some(Escalate { to: to?, after, message })
}

pub(super) fn on_failure(item: Item<'_>) -> Option<OnFailure> {
    item.choice(&[
        ("pause", OnFailure::Pause),
        ("stop", OnFailure::Stop),
        ("continue", OnFailure::Continue),
        ("skip_host", OnFailure::SkipHost),
        ("undo", OnFailure::Undo),
        ("escalate", OnFailure::Escalate),
    ])
}

/// Whether the value is a mapping, for fields that are a word or a mapping.
pub(super) fn is_mapping(item: &Item<'_>) -> bool {
    matches!(item.node.kind, Kind::Mapping(_))
}
