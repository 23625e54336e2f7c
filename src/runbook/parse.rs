//! The text of a runbook into a [`Runbook`], or everything that is wrong with it.
//!
//! One walk over the YAML tree, in the order of the text, so that each condition and text is checked
//! against the names that are known where it stands. Nothing stops at the first problem.

use std::collections::BTreeMap;

use super::model::{Defaults, FieldSpan, Mode, OnFailure, Owner, PaceLimit, Precondition, Runbook, SourceMap};
use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::id::RunbookPath;
use crate::yaml::{self, Comment, Fields, Item, Kind, Node, Reader};

mod action;
mod around;
mod hosts;
mod inputs;
mod known;
mod step;
mod text;

pub(super) use action::{ActionField, FIELDS_OF_ACTIONS};
use known::Known;

/// Characters of a runbook's name: it is a line in a list.
const NAME_CHARACTERS_MAX: usize = 60;
/// Characters of a summary: one sentence.
const SUMMARY_CHARACTERS_MAX: usize = 300;
/// Characters of a tag, an alert, a name of a person or a team.
const WORD_CHARACTERS_MAX: usize = 200;
/// Of a step that does not say, and of a runbook without `defaults`.
const TIMEOUT_DEFAULT: std::time::Duration = std::time::Duration::from_secs(600);

/// What a text gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// `None` if there is any error.
    pub runbook: Option<Runbook>,
    /// Finds the place of a field; of those fields that could be read where there are errors.
    pub source: SourceMap,
    /// In the order of the text.
    pub diagnostics: Vec<Diagnostic>,
    /// Every comment of the text.
    pub comments: Vec<Comment>,
}

/// Parses the runbook at `path`; `file` is its name in diagnostics.
///
/// Never panics, whatever the bytes; see [`yaml::read`] for what bounds time and memory.
pub fn parse(path: &RunbookPath, file: &str, text: &[u8]) -> Parsed {
    let document = yaml::read(file, text);
    let mut diagnostics = document.diagnostics;
    let mut source = SourceMap::default();
    let mut runbook = None;
    if let Some(root) = &document.root {
        note_places(root, root.span, String::new(), &mut source);
        let reader = Reader::new(file);
        runbook = decode(path, reader.item(root));
        diagnostics.extend(reader.finish());
        diagnostics.sort_by_key(|diagnostic| diagnostic.span.start);
        diagnostics.dedup();
        diagnostics.truncate(yaml::DIAGNOSTICS_MAX);
    }
    let broken = diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    Parsed { runbook: runbook.filter(|_| !broken), source, diagnostics, comments: document.comments }
}

/// Notes the place of each field. The depth of the tree is bounded by [`yaml::DEPTH_MAX`].
fn note_places(node: &Node, key: Span, path: String, source: &mut SourceMap) {
    match &node.kind {
        Kind::Mapping(entries) => {
            for entry in entries {
                let below = if path.is_empty() { entry.key.clone() } else { format!("{path}.{}", entry.key) };
                note_places(&entry.value, entry.key_span, below, source);
            }
        }
        Kind::Sequence(items) => {
            for (index, item) in items.iter().enumerate() {
                note_places(item, item.span, format!("{path}[{index}]"), source);
            }
        }
        Kind::Scalar(_) | Kind::Refused => {}
    }
    source.insert(path, FieldSpan { key, value: node.span });
}

/// `None` only after a note of what is wrong. Every field is read before the first `?`.
fn decode(path: &RunbookPath, root: Item<'_>) -> Option<Runbook> {
    let mut fields = root.fields()?;
    version(&mut fields);
    let name = fields.required("name").and_then(|item| item.line(NAME_CHARACTERS_MAX));
    let summary = fields.required("summary").and_then(|item| item.short_text(SUMMARY_CHARACTERS_MAX));
    let owner = fields.get("owner").and_then(owner);
    let review_by = fields.get("review_by").and_then(|item| item.date());
    let expires = fields.get("expires").and_then(|item| item.date());
    let tags = words(&mut fields, "tags");
    let alerts = words(&mut fields, "alerts");
    let mode =
        fields.get("mode").and_then(|item| item.choice(&[("read-do", Mode::ReadDo), ("do-confirm", Mode::DoConfirm)]));
    let pace = fields
        .get("pace")
        .and_then(|item| item.choice(&[("auto", PaceLimit::AutoAllowed), ("step", PaceLimit::StepOnly)]));
    let mut known = Known::new(root.node);
    let inputs = fields.get("inputs").map_or(Some(Vec::new()), |item| inputs::inputs(item, &mut known));
    let hosts = fields.get("hosts").and_then(hosts::hosts);
    let strategy = fields.get("strategy").and_then(hosts::strategy);
    let guards = fields.get("guards").map_or(Some(Vec::new()), around::run_guards);
    let defaults = defaults(&mut fields);
    known.set_default_shell(&defaults.shell);
    let preconditions =
        fields.get("preconditions").map_or(Some(Vec::new()), |item| item.list_of(|item| precondition(item, &known)));
    let approval = fields.get("approval").and_then(|item| around::approval(item, &known));
    let escalate = fields.get("escalate").and_then(|item| around::escalate(item, &known));
    let on_failure = fields.get("on_failure").and_then(around::on_failure).unwrap_or(OnFailure::Pause);
    let steps = fields.required("steps").and_then(|item| step::steps(item, &mut known));
    fields.finish();
    Some(Runbook {
        path: path.clone(),
        name: name?.to_owned(),
        summary: summary?.trim_end().to_owned(),
        owner,
        review_by,
        expires,
        tags: tags?,
        alerts: alerts?,
        mode: mode.unwrap_or(Mode::ReadDo),
        pace: pace.unwrap_or(PaceLimit::AutoAllowed),
        inputs: inputs?,
        hosts,
        strategy,
        guards: guards?,
        preconditions: preconditions?,
        approval,
        escalate,
        defaults,
        steps: steps?,
        on_failure,
    })
}

fn version(fields: &mut Fields<'_>) {
    const VERSION: i64 = 1;
    let Some(item) = fields.required("steadyhand") else { return };
    match item.integer() {
        Some(VERSION) | None => {}
        Some(other) => {
            let help = format!("write `steadyhand: {VERSION}`, or use a newer steadyhand");
            item.error("version-unknown", format!("version {other} of the format is not known"), help);
        }
    }
}

/// `team:web` or `user:ana`.
fn owner(item: Item<'_>) -> Option<Owner> {
    let text = item.line(WORD_CHARACTERS_MAX)?;
    let named = text.split_once(':').filter(|(_, name)| is_plain_name(name));
    match named {
        Some(("team", name)) => Some(Owner::Team(name.to_owned())),
        Some(("user", name)) => Some(Owner::User(name.to_owned())),
        Some(_) | None => {
            item.error("schema[type]", "an owner is a team or a user", "write `team:web` or `user:ana`");
            None
        }
    }
}

/// A name of a team, a window, a lock or a channel: no white space, nothing that a reader would misread.
fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && name.starts_with(|first: char| first.is_alphanumeric() || first == '_')
        && name.chars().all(|letter| letter.is_alphanumeric() || "._@/-".contains(letter))
}

fn plain_name(item: Item<'_>, what: &str) -> Option<String> {
    let text = item.line(WORD_CHARACTERS_MAX)?;
    if is_plain_name(text) {
        return Some(text.to_owned());
    }
    item.error(
        "schema[type]",
        format!("this is not a name of {what}"),
        "use letters, digits, `.`, `_`, `-`, `@` and `/`",
    );
    None
}

fn words(fields: &mut Fields<'_>, name: &'static str) -> Option<Vec<String>> {
    match fields.get(name) {
        Some(item) => item.list_of(|item| item.line(WORD_CHARACTERS_MAX).map(str::to_owned)),
        None => Some(Vec::new()),
    }
}

/// A field that is wrong falls back to its default, so that the steps are still read.
fn defaults(fields: &mut Fields<'_>) -> Defaults {
    let mut defaults = Defaults { timeout: TIMEOUT_DEFAULT, run_as: None, shell: "sh".to_owned() };
    if let Some(mut fields) = fields.get("defaults").and_then(|item| item.fields()) {
        if let Some(timeout) = fields.get("timeout").and_then(|item| item.positive_duration()) {
            defaults.timeout = timeout;
        }
        defaults.run_as = fields.get("as").and_then(|item| item.id());
        if let Some(shell) = fields.get("shell").and_then(text::shell) {
            defaults.shell = shell;
        }
        fields.finish();
    }
    defaults
}

fn precondition(item: Item<'_>, known: &Known) -> Option<Precondition> {
    let mut fields = item.fields()?;
    let name =
        fields.required("name").and_then(|item| text::for_people(item, text::LINE_CHARACTERS_MAX, known.names()));
    let check = fields.required("check").and_then(|item| text::command(item, known.default_shell()));
    let expect = fields.get("expect").and_then(|item| text::condition(item, &known.with_outcome(&BTreeMap::new())));
    let otherwise =
        fields.get("else").and_then(|item| text::for_people(item, text::TEXT_CHARACTERS_MAX, known.names()));
    let delegate_to = fields.get("delegate_to").and_then(|item| item.id());
    fields.finish();
    Some(Precondition { name: name?, check: check?, expect, otherwise, delegate_to })
}

#[cfg(test)]
mod tests;
