//! What a run waits for, as a card with the forms that answer it. One field is set: the one that is asked.

use serde::Serialize;

use crate::id::{HostName, StepId};
use crate::run::event::PauseReason;
use crate::run::plan::{AskKind, Gesture, PlannedAsk};
use crate::run::view::{Need, RunView, StepView};
use crate::run::words;
use crate::runbook::model::Effect;
use crate::web::format::{self, Moment};
use crate::web::view::approval::ApproveNeed;
use crate::web::view::host::{HostMark, environment};
use crate::web::view::tail::Tail;

/// Hosts whose names stand on a button; the others are counted.
const HOSTS_NAMED_MAX: usize = 3;

#[derive(Debug, Clone, Default, Serialize)]
pub struct NeedCard {
    pub run: String,
    pub seq: u64,
    pub step: Option<String>,
    pub confirm: Option<ConfirmNeed>,
    pub answer: Option<AnswerNeed>,
    pub decide: Option<DecideNeed>,
    pub unknown: Option<UnknownNeed>,
    pub reach: Option<ReachNeed>,
    pub secrets: Option<SecretsNeed>,
    pub undo: Option<UndoNeed>,
    pub storage: Option<StorageNeed>,
    pub resume: Option<ResumeNeed>,
    pub approve: Option<ApproveNeed>,
    pub ask_again: Option<AskAgainNeed>,
    pub window: Option<WindowNeed>,
    pub lock: Option<LockNeed>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ConfirmNeed {
    pub sentence: String,
    pub hosts: Vec<String>,
    /// `Delete old releases`; where follows on the button.
    pub verb: String,
    pub marks: Vec<HostMark>,
    /// `and 4 more`; empty if all are named.
    pub more: String,
    pub environment: Option<String>,
    /// `danger` for what cannot be taken back.
    pub tone: &'static str,
    pub typed: Option<TypedGesture>,
    pub previews: Vec<Tail>,
    pub fresh_until: Option<Moment>,
}

/// What must be typed.
#[derive(Debug, Clone, Serialize)]
pub struct TypedGesture {
    pub label: String,
    pub expected: String,
    pub numeric: bool,
    /// What was typed before, when it was refused.
    pub given: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct AnswerNeed {
    pub instruction: String,
    pub fields: Vec<AskField>,
    /// `answer` with fields, `done` without.
    pub action: &'static str,
    pub button: &'static str,
}

#[derive(Debug, Clone, Serialize)]
pub struct AskField {
    pub name: String,
    pub label: String,
    pub hint: String,
    pub kind: &'static str,
    pub options: Vec<ChoiceOption>,
    pub choice: bool,
    pub pattern: Option<String>,
    pub given: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct ChoiceOption {
    pub value: String,
    pub chosen: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct DecideNeed {
    pub failed: Vec<String>,
    pub words: String,
    pub reason: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct UnknownNeed {
    pub host: String,
    pub because: String,
    pub step_name: String,
    pub note: String,
    pub address: String,
    /// When the attempt of which nobody knows began.
    pub began: Option<Moment>,
    /// What it was to do.
    pub command: String,
    /// Its last lines, as far as they came.
    pub tails: Vec<Tail>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ReachNeed {
    pub hosts: Vec<HostNote>,
    pub words: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct HostNote {
    pub name: String,
    pub note: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct SecretsNeed {
    pub names: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct UndoNeed {
    pub instruction: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct StorageNeed {
    pub reason: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct ResumeNeed {
    pub words: String,
}

/// An approval came to nothing.
#[derive(Debug, Clone, Serialize)]
pub struct AskAgainNeed {
    pub why: String,
    pub reason: String,
}

/// Windows are closed.
#[derive(Debug, Clone, Serialize)]
pub struct WindowNeed {
    pub words: Vec<String>,
    pub reason: String,
}

/// Another run holds a lock of this one.
#[derive(Debug, Clone, Serialize)]
pub struct LockNeed {
    pub lock: String,
    pub host: String,
    pub since: Moment,
    /// The page of that run; none for who may not see it.
    pub href: Option<String>,
}

impl NeedCard {
    pub fn new(view: &RunView, need: &Need, now_ms: i64, tails: &[Tail]) -> Self {
        let empty = Self { run: view.id.to_string(), seq: view.seq, ..Self::default() };
        let about = |step: &StepId| Self { step: Some(step.to_string()), ..empty.clone() };
        match need {
            Need::Confirm { step, .. } => Self { confirm: ConfirmNeed::new(view, need, now_ms, tails), ..about(step) },
            Need::Answer { step, instruction, ask } => {
                Self { answer: Some(AnswerNeed::new(instruction, ask)), ..about(step) }
            }
            Need::Decide { step, failed } => {
                let failed: Vec<String> = failed.iter().map(ToString::to_string).collect();
                let words = format::names(failed.iter().map(String::as_str));
                Self { decide: Some(DecideNeed { words, failed, reason: String::new() }), ..about(step) }
            }
            Need::ResolveUnknown { step, host, because } => {
                Self { unknown: Some(UnknownNeed::new(view, step, host, because, now_ms, tails)), ..about(step) }
            }
            Need::ManualUndo { step, instruction } => {
                Self { undo: Some(UndoNeed { instruction: instruction.clone() }), ..about(step) }
            }
            Need::Approve(asked) => {
                Self { approve: Some(ApproveNeed::new(view, asked, now_ms, tails)), ..about(&asked.step) }
            }
            Need::AskAgain { step, why } => {
                Self { ask_again: Some(AskAgainNeed { why: why.clone(), reason: String::new() }), ..about(step) }
            }
            Need::Window { step, windows } => {
                let words = windows.iter().map(words::window).collect();
                Self { window: Some(WindowNeed { words, reason: String::new() }), ..about(step) }
            }
            Need::ReachHosts { hosts } => {
                let words = format::names(hosts.iter().map(HostName::as_str));
                let hosts = hosts.iter().map(|host| host_note(view, host)).collect();
                Self { reach: Some(ReachNeed { hosts, words }), ..empty }
            }
            Need::Secrets { names } => Self { secrets: Some(SecretsNeed { names: names.clone() }), ..empty },
            Need::Lock { lock, host, holder, since_ms } => {
                let href = holder.map(|holder| format!("/runs/{holder}"));
                let (lock, host, since) = (lock.clone(), host.to_string(), Moment::new(*since_ms, now_ms));
                Self { lock: Some(LockNeed { lock, host, since, href }), ..empty }
            }
            Need::Storage { reason } => Self { storage: Some(StorageNeed { reason: reason.clone() }), ..empty },
            Need::Resume { why } => Self { resume: Some(ResumeNeed { words: pause_words(why) }), ..empty },
        }
    }

    /// Puts back what a person had typed before the server refused it.
    pub fn keep(&mut self, typed: &crate::web::query::Fields) {
        if let Some(gesture) = self.confirm.as_mut().and_then(|confirm| confirm.typed.as_mut()) {
            gesture.given = typed.first("typed").unwrap_or_default().to_owned();
        }
        if let Some(answer) = &mut self.answer {
            for field in &mut answer.fields {
                field.given = typed.first(&format!("value.{}", field.name)).unwrap_or_default().to_owned();
                for option in &mut field.options {
                    option.chosen = option.value == field.given;
                }
            }
        }
        if let Some(decide) = &mut self.decide {
            decide.reason = typed.first("reason").unwrap_or_default().to_owned();
        }
        let given = |name: &str| typed.first(name).unwrap_or_default().to_owned();
        if let Some(approve) = &mut self.approve {
            (approve.reason, approve.note) = (given("reason"), given("note"));
        }
        if let Some(window) = &mut self.window {
            window.reason = given("reason");
        }
        if let Some(unknown) = &mut self.unknown {
            unknown.note = typed.first("note").unwrap_or_default().to_owned();
        }
    }
}

fn find<'a>(view: &'a RunView, step: &StepId) -> Option<&'a StepView> {
    view.steps.iter().find(|candidate| candidate.id == *step)
}

fn host_note(view: &RunView, host: &HostName) -> HostNote {
    let note = view.hosts.iter().find(|candidate| candidate.name == *host).and_then(|found| found.note.clone());
    HostNote { name: host.to_string(), note: note.unwrap_or_default() }
}

impl ConfirmNeed {
    fn new(view: &RunView, need: &Need, now_ms: i64, tails: &[Tail]) -> Option<Self> {
        let Need::Confirm { step, gesture, expected, hosts, sentence, previews, preview_stale_at_ms } = need else {
            return None;
        };
        let step = find(view, step)?;
        let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
        Some(Self {
            sentence: sentence.clone(),
            verb: step.name.clone(),
            marks: hosts.iter().take(HOSTS_NAMED_MAX).map(|host| HostMark::new(host)).collect(),
            more: match hosts.len().saturating_sub(HOSTS_NAMED_MAX) {
                0 => String::new(),
                more => format!("and {more} more"),
            },
            environment: environment(
                view.hosts.iter().filter(|host| hosts.iter().any(|name| *name == host.name.as_str())),
            ),
            tone: if step.effect == Effect::Destructive { "danger" } else { "primary" },
            typed: expected.as_ref().and_then(|expected| TypedGesture::new(gesture, expected)),
            previews: tails.iter().filter(|tail| previews.contains(&tail.attempt)).cloned().collect(),
            fresh_until: preview_stale_at_ms.map(|stale_at_ms| Moment::new(stale_at_ms, now_ms)),
            hosts,
        })
    }
}

impl UnknownNeed {
    fn new(view: &RunView, step: &StepId, host: &HostName, because: &str, now_ms: i64, tails: &[Tail]) -> Self {
        let step = find(view, step);
        let cell = step.and_then(|step| step.cells.iter().find(|cell| cell.host == *host));
        let attempt = cell.and_then(|cell| cell.attempts.last());
        let target = view.hosts.iter().find(|candidate| candidate.name == *host);
        Self {
            host: host.to_string(),
            because: because.to_owned(),
            step_name: step.map(|step| step.name.clone()).unwrap_or_default(),
            note: String::new(),
            address: target.map(|target| target.address.clone()).unwrap_or_default(),
            began: attempt.map(|attempt| Moment::new(attempt.started_at_ms, now_ms)),
            command: step.map(|step| step.body.clone()).unwrap_or_default(),
            tails: tails
                .iter()
                .filter(|tail| attempt.is_some_and(|attempt| attempt.id == tail.attempt))
                .cloned()
                .collect(),
        }
    }
}

impl TypedGesture {
    fn new(gesture: &Gesture, expected: &str) -> Option<Self> {
        let (label, numeric) = match gesture {
            Gesture::Press => return None,
            Gesture::Count => ("Type how many hosts this changes", true),
            Gesture::Host => ("Type the name of the host", false),
            Gesture::Phrase(_) => ("Type these words", false),
        };
        Some(Self { label: label.to_owned(), expected: expected.to_owned(), numeric, given: String::new() })
    }
}

impl AnswerNeed {
    fn new(instruction: &str, ask: &[PlannedAsk]) -> Self {
        let fields: Vec<AskField> = ask.iter().map(AskField::new).collect();
        let (action, button) =
            if fields.is_empty() { ("done", "I have done this") } else { ("answer", "Record the answer") };
        Self { instruction: instruction.to_owned(), fields, action, button }
    }
}

impl AskField {
    fn new(ask: &PlannedAsk) -> Self {
        let (kind, options): (&'static str, &[String]) = match &ask.kind {
            AskKind::String => ("text", &[]),
            AskKind::Integer => ("integer", &[]),
            AskKind::Number => ("number", &[]),
            AskKind::Boolean => ("boolean", &[]),
            AskKind::Duration => ("duration", &[]),
            AskKind::Choice(options) => ("choice", options),
        };
        let yes_no = ["true".to_owned(), "false".to_owned()];
        let options = if kind == "boolean" { &yes_no } else { options };
        Self {
            name: ask.name.to_string(),
            label: if ask.description.is_empty() { ask.name.to_string() } else { ask.description.clone() },
            hint: bounds(kind, ask.min, ask.max),
            kind,
            options: options.iter().map(|value| ChoiceOption { value: value.clone(), chosen: false }).collect(),
            choice: !options.is_empty(),
            pattern: ask.pattern.clone(),
            given: String::new(),
        }
    }
}

/// `a whole number from 1 to 10`; empty for plain text.
pub fn bounds(kind: &str, min: Option<f64>, max: Option<f64>) -> String {
    let what = match kind {
        "integer" => "a whole number",
        "number" => "a number",
        "duration" => "a duration such as 30s or 5m",
        _ => return String::new(),
    };
    match (min, max) {
        (Some(min), Some(max)) => format!("{what} from {min} to {max}"),
        (Some(min), None) => format!("{what}, at least {min}"),
        (None, Some(max)) => format!("{what}, at most {max}"),
        (None, None) => what.to_owned(),
    }
}

fn pause_words(why: &PauseReason) -> String {
    match why {
        PauseReason::Person => "A person paused it.".to_owned(),
        PauseReason::StepFailed(step) => format!("Step {step} failed."),
        PauseReason::HostsUnreachable(hosts) => {
            format!("{} cannot be reached.", format::names(hosts.iter().map(HostName::as_str)))
        }
        PauseReason::SecretsLost => "The server was restarted and secret values are not in its memory.".to_owned(),
        PauseReason::Stopped(step) => format!("A person stopped the commands of step {step}."),
        PauseReason::UndoFailed(step) => format!("Taking back step {step} failed."),
        PauseReason::ApprovalRejected(step) => format!("The approval of step {step} was rejected."),
        PauseReason::CannotLook(reason) => {
            format!("What must be looked at right before the step cannot be read: {reason}.")
        }
    }
}
