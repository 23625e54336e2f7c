//! One step: its action, and everything that stands around it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::super::capture::capturing_group;
use super::super::model::{
    Attach, Capture, CaptureFrom, CaptureKind, Confirm, Placement, Retry, RetryLimit, Step, Undo, Verify,
};
use super::super::scope::ValueType;
use super::action::{self, EVERY_DEFAULT};
use super::around::{self, is_mapping};
use super::known::Known;
use super::text;
use crate::id::{StepId, ValueName};
use crate::yaml::{Fields, Item};

/// Characters of a step's name, and of why it is there.
const NAME_CHARACTERS_MAX: usize = 70;
const WHY_CHARACTERS_MAX: usize = 200;
/// More steps are several runbooks.
const STEPS_MAX: usize = 200;
/// How long `verify` waits for its condition unless it says.
const VERIFY_LIMIT_DEFAULT: Duration = Duration::from_secs(60);
/// Shell variables of a step.
const ENV_MAX: usize = 100;
/// Values that one command gives.
const CAPTURES_MAX: usize = 50;
/// More attempts are a service's job.
const RETRIES_MAX: u32 = 1000;

pub(super) fn steps(item: Item<'_>, known: &mut Known) -> Option<Vec<Step>> {
    let items = item.list()?;
    if items.is_empty() {
        item.error("schema[missing]", "a runbook has at least one step", "add `- id: …`");
    } else if items.len() > STEPS_MAX {
        item.error("schema[type]", format!("more than {STEPS_MAX} steps"), "split the runbook");
        return None;
    }
    let mut ids = BTreeSet::new();
    let steps: Vec<Option<Step>> = items.into_iter().map(|item| step(item, known, &mut ids)).collect();
    steps.into_iter().collect()
}

/// Reads the fields in the order in which a run comes to them, so that each sees the names it may.
fn step(item: Item<'_>, known: &mut Known, ids: &mut BTreeSet<String>) -> Option<Step> {
    let mut fields = item.fields()?;
    let id = fields.required("id").and_then(|item| step_id(item, ids));
    let name = fields.required("name").and_then(|item| text::line_for_people(item, NAME_CHARACTERS_MAX, known.names()));
    let why = fields.get("why").and_then(|item| text::for_people(item, WHY_CHARACTERS_MAX, known.names()));
    let only_if = fields.get("if").and_then(|item| text::condition(item, known.names()));
    let shell = fields.get("shell").and_then(text::shell);
    let judged = shell.clone().unwrap_or_else(|| known.default_shell().to_owned());
    let guards = fields.get("guard").map_or(Some(Vec::new()), |item| around::step_guards(item, known, &judged));
    let preview = fields.get("preview").and_then(|item| text::command(item, &judged));
    let approval = fields.get("approval").and_then(|item| around::approval(item, known));

    let field = action::find(&fields);
    let mut own = BTreeMap::new();
    let action = field.and_then(|field| action::read(field, &mut fields, known, &judged, &mut own));
    let env = fields.get("env").map_or(Some(BTreeMap::new()), |item| env(item, known));
    let capture = fields.get("capture").map_or(Some(BTreeMap::new()), |item| captures(item, known, &mut own));
    let outcome = field.is_none_or(|field| field.runs_command());
    let names = if outcome { known.with_outcome(&own) } else { known.with(&own) };
    let expect = fields.get("expect").and_then(|item| text::condition(item, &names));
    let verify = fields.get("verify").and_then(|item| verify(item, known, &mut own, &judged));
    known.add(own);
    let otherwise =
        fields.get("else").and_then(|item| text::for_people(item, text::TEXT_CHARACTERS_MAX, known.names()));
    let undo = fields.get("undo").and_then(|item| undo(item, known, &judged));

    let step = Step {
        id: id.clone().unwrap_or_else(placeholder_id),
        name: name.clone().unwrap_or_default(),
        why,
        only_if,
        action: action
            .clone()
            .unwrap_or(super::super::model::Action::Wait(super::super::model::Wait::For(EVERY_DEFAULT))),
        on: fields.get("on").and_then(placement).unwrap_or(Placement::Each),
        delegate_to: fields.get("delegate_to").and_then(|item| item.id()),
        guards: guards.clone().unwrap_or_default(),
        preview,
        confirm: fields.get("confirm").and_then(confirm),
        approval,
        run_as: fields.get("as").and_then(|item| item.id()),
        env: env.clone().unwrap_or_default(),
        dir: fields.get("dir").and_then(|item| item.line(text::LINE_CHARACTERS_MAX)).map(str::to_owned),
        stdin: fields.get("stdin").and_then(|item| item.text()).map(str::to_owned),
        shell,
        timeout: fields.get("timeout").and_then(|item| item.positive_duration()),
        retry: fields.get("retry").and_then(retry),
        idempotent: flag(&mut fields, "idempotent"),
        capture: capture.clone().unwrap_or_default(),
        expect,
        otherwise,
        verify,
        undo,
        on_failure: fields.get("on_failure").and_then(around::on_failure),
        critical: flag(&mut fields, "critical"),
        expect_disconnect: flag(&mut fields, "expect_disconnect"),
        wait_for_ssh: fields.get("wait_for").and_then(wait_for),
        merge: flag(&mut fields, "merge"),
        attach: fields
            .get("attach")
            .and_then(|item| item.choice(&[("tether", Attach::Tether), ("direct", Attach::Direct)]))
            .unwrap_or(Attach::Tether),
    };
    finish(fields, field, &step);
    // Each `None` was noted; the step as read so far is not given out.
    id.and(name).and(action).and(guards).and(env).and(capture).map(|_| step)
}

fn finish(mut fields: Fields<'_>, field: Option<action::ActionField>, step: &Step) {
    if let Some(field) = field {
        action::refuse_fields_of_others(&fields, field);
    }
    if step.wait_for_ssh.is_some() && !step.expect_disconnect {
        fields.missing("`wait_for` waits for a host that is expected to disconnect", "add `expect_disconnect: true`");
    }
    fields.know(&action::ActionField::ALL.map(action::ActionField::name));
    for (name, _) in action::FIELDS_OF_ACTIONS {
        fields.know(&[name]);
    }
    fields.finish();
}

/// Stands in for an id that was refused; never given out.
fn placeholder_id() -> StepId {
    "x".parse().expect("a single letter is a step id")
}

fn step_id(item: Item<'_>, ids: &mut BTreeSet<String>) -> Option<StepId> {
    let id: StepId = item.id()?;
    if ids.insert(id.to_string()) {
        return Some(id);
    }
    item.error("duplicate-id", format!("there is another step \"{id}\""), "give one of them another id");
    None
}

fn flag(fields: &mut Fields<'_>, name: &'static str) -> bool {
    fields.get(name).and_then(|item| item.boolean()).unwrap_or(false)
}

fn placement(item: Item<'_>) -> Option<Placement> {
    item.choice(&[("each", Placement::Each), ("first", Placement::First), ("local", Placement::Local)])
}

fn confirm(item: Item<'_>) -> Option<Confirm> {
    const PHRASE_CHARACTERS_MAX: usize = 100;
    Some(match item.line(PHRASE_CHARACTERS_MAX)? {
        "press" => Confirm::Press,
        "count" => Confirm::Count,
        "host" => Confirm::Host,
        phrase => Confirm::Phrase(phrase.to_owned()),
    })
}

fn env(item: Item<'_>, known: &Known) -> Option<BTreeMap<String, String>> {
    let mut env = BTreeMap::new();
    let mut holds = true;
    for (item, name) in item.entries_up_to(ENV_MAX)? {
        let named = name.len() <= 64
            && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !named {
            item.key_error(
                "schema[type]",
                format!("{name:?} is not the name of a shell variable"),
                "use letters, digits and `_`",
            );
            holds = false;
        } else if known.names().values.contains_key(name) || name == "host" {
            item.key_error("duplicate-id", format!("\"{name}\" has a value already"), "give the variable another name");
            holds = false;
        }
        match item.text() {
            Some(text) => drop(env.insert(name.to_owned(), text.to_owned())),
            None => holds = false,
        }
    }
    holds.then_some(env)
}

fn retry(item: Item<'_>) -> Option<Retry> {
    let mut fields = item.fields()?;
    let every = fields.get("every").and_then(|item| item.positive_duration()).unwrap_or(EVERY_DEFAULT);
    let limit = match (fields.get("for"), fields.get("times")) {
        (Some(item), None) => item.positive_duration().map(RetryLimit::For),
        (None, Some(item)) => times(item).map(RetryLimit::Times),
        (Some(_), Some(item)) => {
            item.key_error("schema[type]", "`retry` ends by `for` or by `times`, not both", "remove one of them");
            None
        }
        (None, None) => {
            fields.missing("`retry` would never end", "add `times: 3` or `for: 1m`");
            None
        }
    };
    fields.finish();
    Some(Retry { every, limit: limit? })
}

fn times(item: Item<'_>) -> Option<u32> {
    let times: u32 = item.whole_number()?;
    if (1..=RETRIES_MAX).contains(&times) {
        return Some(times);
    }
    item.error("schema[type]", format!("must be 1 to {RETRIES_MAX}"), "write how often");
    None
}

/// `wait_for: {ssh: 10m}`
fn wait_for(item: Item<'_>) -> Option<Duration> {
    let mut fields = item.fields()?;
    let ssh = fields.required("ssh").and_then(|item| item.positive_duration());
    fields.finish();
    ssh
}

fn verify(item: Item<'_>, known: &Known, own: &mut BTreeMap<String, ValueType>, shell: &str) -> Option<Verify> {
    let mut fields = item.fields()?;
    let check = fields.required("check").and_then(|item| text::command(item, shell));
    let capture = fields.get("capture").map_or(Some(BTreeMap::new()), |item| captures(item, known, own));
    let expect = fields.get("expect").and_then(|item| text::condition(item, &known.with_outcome(own)));
    let every = fields.get("every").and_then(|item| item.positive_duration()).unwrap_or(EVERY_DEFAULT);
    let limit = fields.get("for").and_then(|item| item.positive_duration()).unwrap_or(VERIFY_LIMIT_DEFAULT);
    fields.finish();
    Some(Verify { check: check?, capture: capture?, expect, every, limit })
}

/// `{run: …}`, `{manual: …}`, or the word `none`.
fn undo(item: Item<'_>, known: &Known, shell: &str) -> Option<Undo> {
    if !is_mapping(&item) {
        return match item.text()? {
            "none" => Some(Undo::None),
            _ => {
                item.mismatch("`none`, `{run: …}` or `{manual: …}`", None);
                None
            }
        };
    }
    let mut fields = item.fields()?;
    let undo = match (fields.get("run"), fields.get("manual")) {
        (Some(item), None) => text::command(item, shell).map(Undo::Run),
        (None, Some(item)) => text::for_people(item, text::TEXT_CHARACTERS_MAX, known.names()).map(Undo::Manual),
        (Some(_), Some(item)) => {
            item.key_error("schema[type]", "`undo` has `run` or `manual`, not both", "remove one of them");
            None
        }
        (None, None) => {
            fields.missing("`undo` says nothing", "add `run:` or `manual:`, or write `undo: none`");
            None
        }
    };
    fields.finish();
    undo
}

/// Reads captures; their names, also those of wrong ones, go to `own`.
fn captures(
    item: Item<'_>,
    known: &Known,
    own: &mut BTreeMap<String, ValueType>,
) -> Option<BTreeMap<ValueName, Capture>> {
    let mut captures = Vec::new();
    for (item, name) in item.entries_up_to(CAPTURES_MAX)? {
        let capture = capture(item);
        own.insert(name.to_owned(), capture.as_ref().map_or(ValueType::Unknown, |capture| capture.kind.into()));
        captures.push(known.captured_name(&item, name).zip(capture));
    }
    captures.into_iter().collect()
}

fn capture(item: Item<'_>) -> Option<Capture> {
    let mut fields = item.fields()?;
    let kind = fields.get("type").map_or(Some(CaptureKind::String), |item| {
        item.choice(&[
            ("string", CaptureKind::String),
            ("integer", CaptureKind::Integer),
            ("number", CaptureKind::Number),
            ("boolean", CaptureKind::Boolean),
        ])
    });
    let sources = [
        fields.get("regex").map(capture_regex),
        fields.get("json").map(capture_pointer),
        fields.get("line").map(|item| item.choice(&[("last", CaptureFrom::LastLine)])),
    ];
    if sources.iter().flatten().count() > 1 {
        item.error("schema[type]", "a capture has one of `regex`, `json` and `line`", "keep one of them");
    }
    fields.finish();
    let from = sources.into_iter().flatten().next().unwrap_or(Some(CaptureFrom::Whole));
    Some(Capture { from: from?, kind: kind? })
}

fn capture_regex(item: Item<'_>) -> Option<CaptureFrom> {
    let pattern = item.filled_text()?;
    match capturing_group(pattern) {
        Ok(_) => Some(CaptureFrom::Regex(pattern.to_owned())),
        Err(reason) => {
            item.error(
                "syntax",
                format!("the expression cannot capture: {reason}"),
                "one group, or one named `value`, is captured",
            );
            None
        }
    }
}

/// RFC 6901: empty, or parts that begin with `/`; `~` only as `~0` and `~1`.
fn capture_pointer(item: Item<'_>) -> Option<CaptureFrom> {
    let pointer = item.text()?;
    let escapes_hold = pointer.split('~').skip(1).all(|after| after.starts_with(['0', '1']));
    if pointer.len() <= 1000 && escapes_hold && (pointer.is_empty() || pointer.starts_with('/')) {
        return Some(CaptureFrom::Json(pointer.to_owned()));
    }
    item.error("syntax", "this is not a JSON pointer", "write `/items/0/name`; `/` in a name is `~1`, `~` is `~0`");
    None
}
