//! What a runbook says, after parsing: names are valid, units are resolved, each step has one action.
//!
//! These types carry no places in the text: [`SourceMap`] finds the place of any field by its path.
//! They are not a stored format either: a run stores its plan (`run::plan`), which is frozen from these.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::civil::Date;

use crate::diagnostic::Span;
use crate::id::{HostName, RunbookPath, SecretName, StepId, UserName, ValueName};

/// One parsed runbook.
#[derive(Debug, Clone, PartialEq)]
pub struct Runbook {
    /// Its path below `runbooks/`, without `.yaml`.
    pub path: RunbookPath,
    pub name: String,
    pub summary: String,
    pub owner: Option<Owner>,
    pub review_by: Option<Date>,
    pub expires: Option<Date>,
    pub tags: Vec<String>,
    /// Alert names, or matchers as Alertmanager's, as written.
    pub alerts: Vec<String>,
    pub mode: Mode,
    pub pace: PaceLimit,
    /// In the order written, which is the order of the start form.
    pub inputs: Vec<Input>,
    /// `None`: the server itself, over the `local` transport.
    pub hosts: Option<Hosts>,
    pub strategy: Option<Strategy>,
    pub guards: Vec<RunGuard>,
    pub preconditions: Vec<Precondition>,
    pub approval: Option<Approval>,
    pub escalate: Option<Escalate>,
    pub defaults: Defaults,
    pub steps: Vec<Step>,
    pub on_failure: OnFailure,
}

/// Who answers for a runbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    Team(String),
    User(String),
}

/// How the checklist is worked: read one and do it, or do all and confirm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    ReadDo,
    DoConfirm,
}

/// Whether a run of it may be started with `auto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaceLimit {
    AutoAllowed,
    StepOnly,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    pub name: ValueName,
    pub description: String,
    pub kind: InputKind,
    /// Never set for a secret.
    pub default: Option<Value>,
    /// A value must be given when there is no default. `required: false` gives the empty text, zero, false.
    pub required: bool,
    /// Regular expression for the whole value.
    pub pattern: Option<String>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    /// A path such as `labels.mountpoint` into an alert.
    pub from_alert: Option<String>,
    /// The server's secret of this name: nobody gives a value. Only for a secret.
    pub from_secret: Option<SecretName>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputKind {
    String,
    Integer,
    Number,
    Boolean,
    Choice(Vec<String>),
    Duration,
    /// Never stored or shown.
    Secret,
}

/// A value of an input, a capture or an answer.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Value {
    Text(String),
    Integer(i64),
    Number(f64),
    Boolean(bool),
    /// In milliseconds.
    Duration(u64),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosts {
    pub chosen: HostChoice,
    pub exclude: Vec<HostName>,
    pub from_alert: Option<String>,
    /// More hosts are refused at start.
    pub max: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostChoice {
    Names(Vec<HostName>),
    /// Kubernetes label selector over the inventory, checked for syntax.
    Select(String),
}

/// A count, or a share of the hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    Count(u32),
    Percent(u8),
}

/// How a run spreads over many hosts. Parsed and checked; not yet available at start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strategy {
    pub serial: Vec<Amount>,
    pub max_parallel: Option<u32>,
    pub max_failed: Option<Amount>,
    pub between: Between,
    pub wait: Option<Duration>,
    pub one_at_a_time_by: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Between {
    None,
    Confirm,
    Approval,
}

/// A condition on starting or continuing at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunGuard {
    OnCall(bool),
    OnlyDuring(String),
    NotDuring(String),
    /// One run at a time holds this name on a host.
    Lock(String),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Precondition {
    pub name: String,
    pub check: String,
    pub expect: Option<Condition>,
    pub otherwise: Option<String>,
    pub delegate_to: Option<HostName>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    pub prompt: Option<String>,
    pub from: Vec<Owner>,
    pub min: u32,
    pub within: Option<Duration>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalate {
    pub to: String,
    pub after: Option<Duration>,
    pub message: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defaults {
    /// `10m` unless said.
    pub timeout: Duration,
    pub run_as: Option<UserName>,
    /// `sh` unless said.
    pub shell: String,
}

/// A CEL expression that parses and type-checks to a truth value. The text is as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition(pub String);

#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub id: StepId,
    pub name: String,
    pub why: Option<String>,
    /// `if:`; else skipped, and the reason recorded.
    pub only_if: Option<Condition>,
    pub action: Action,
    pub on: Placement,
    /// Runs there; `$host` is still the target.
    pub delegate_to: Option<HostName>,
    pub guards: Vec<StepGuard>,
    /// Read-only command whose output stands above the confirmation.
    pub preview: Option<String>,
    pub confirm: Option<Confirm>,
    pub approval: Option<Approval>,
    pub run_as: Option<UserName>,
    /// Further shell variables, exported; handlebars is not expanded in them, `$input` is not either.
    pub env: BTreeMap<String, String>,
    pub dir: Option<String>,
    pub stdin: Option<String>,
    pub shell: Option<String>,
    pub timeout: Option<Duration>,
    pub retry: Option<Retry>,
    /// May be run again by the server after an unknown outcome.
    pub idempotent: bool,
    pub capture: BTreeMap<ValueName, Capture>,
    /// `exit == 0` unless said.
    pub expect: Option<Condition>,
    /// `else:`: what it means when `expect` does not hold, and what to do.
    pub otherwise: Option<String>,
    pub verify: Option<Verify>,
    pub undo: Option<Undo>,
    pub on_failure: Option<OnFailure>,
    /// Cannot be skipped without a reason.
    pub critical: bool,
    pub expect_disconnect: bool,
    /// `wait_for: {ssh: 10m}`.
    pub wait_for_ssh: Option<Duration>,
    /// stderr goes into stdout, in exact order.
    pub merge: bool,
    pub attach: Attach,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// A read-only command.
    Check {
        command: String,
    },
    /// A command that changes something.
    Run {
        command: String,
        effect: Effect,
    },
    /// A file beside the runbook, run by its `#!` line.
    Script {
        file: String,
        args: Vec<String>,
        effect: Effect,
    },
    /// An instruction that a person does.
    Manual {
        instruction: String,
        ask: Vec<Ask>,
    },
    Wait(Wait),
    /// Another runbook's steps. Not yet available at start.
    Use {
        runbook: RunbookPath,
        with: BTreeMap<ValueName, String>,
    },
    /// A message to a named channel. Not yet available at start.
    Notify {
        channel: String,
        message: String,
    },
}

/// What a command does to its host; friction grows with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Reads only.
    Check,
    Change,
    Destructive,
}

/// A value that a person must give in a manual step.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    pub name: ValueName,
    pub description: String,
    pub kind: InputKind,
    pub pattern: Option<String>,
    pub min: Option<f64>,
    pub max: Option<f64>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Wait {
    For(Duration),
    Until { check: String, expect: Option<Condition>, every: Duration, limit: Duration },
}

/// Where a step runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Placement {
    Each,
    First,
    /// On the server, once.
    Local,
}

#[derive(Debug, Clone, PartialEq)]
pub struct StepGuard {
    pub check: String,
    pub expect: Option<Condition>,
    pub otherwise: Option<String>,
}

/// What a person must do to confirm a step. May raise the friction of the table in the format, never lower it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Confirm {
    Press,
    Count,
    Host,
    Phrase(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    pub every: Duration,
    pub limit: RetryLimit,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RetryLimit {
    For(Duration),
    Times(u32),
}

/// How a value is read from stdout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    pub from: CaptureFrom,
    pub kind: CaptureKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaptureFrom {
    /// All of stdout without its final newline.
    Whole,
    /// The only group of the first match, or the one named `value`.
    Regex(String),
    /// An RFC 6901 pointer into stdout parsed as JSON.
    Json(String),
    LastLine,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaptureKind {
    String,
    Integer,
    Number,
    Boolean,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Verify {
    pub check: String,
    pub capture: BTreeMap<ValueName, Capture>,
    pub expect: Option<Condition>,
    pub every: Duration,
    pub limit: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undo {
    Run(String),
    Manual(String),
    /// Stated: there is no way back.
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    Pause,
    Stop,
    Continue,
    SkipHost,
    Undo,
    Escalate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Attach {
    Tether,
    /// Without a tether: a device without a POSIX shell. No re-attach.
    Direct,
}

/// Finds the place of a field in the text: `steps[2].run`, `inputs.mount.pattern`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceMap {
    spans: BTreeMap<String, FieldSpan>,
}

/// The places of one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldSpan {
    /// The key; equal to `value` for items of a list.
    pub key: Span,
    pub value: Span,
}

impl SourceMap {
    /// Notes where the field at `path` stands.
    pub fn insert(&mut self, path: String, span: FieldSpan) {
        self.spans.insert(path, span);
    }

    /// The field at `path` is in the text.
    pub fn contains(&self, path: &str) -> bool {
        self.spans.contains_key(path)
    }

    /// The place of the field at `path`, or of the nearest field around it that is in the text.
    pub fn span(&self, path: &str) -> FieldSpan {
        let mut path = path;
        loop {
            if let Some(span) = self.spans.get(path) {
                return *span;
            }
            match path.rfind(['.', '[']) {
                Some(cut) => path = &path[..cut],
                None => {
                    return self
                        .spans
                        .get("")
                        .copied()
                        .unwrap_or(FieldSpan { key: Span::default(), value: Span::default() });
                }
            }
        }
    }
}
