//! A step, field by field. That it has one action, and which fields go with it, is added from the parser's
//! own table.
#![expect(dead_code, reason = "these types are only ever described, never made")]

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::file::{ApprovalFile, OnFailureFile};
use super::scalar::{
    Duration, Filled, HostName, Line, PlainName, Pointer, RunbookPath, ScriptFile, Shell, Short, StepId, Text, Times,
    UserName,
};

/// One step. It has one action: check, run, script, manual, wait, use or notify.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct StepFile {
    /// Unique in the runbook.
    id: StepId,
    /// What it does, as an order, in at most 70 characters.
    name: Line<70>,
    /// Why it is there.
    why: Option<Short<200>>,
    /// A CEL condition; where it does not hold the step is skipped.
    #[schemars(rename = "if")]
    only_if: Option<Filled>,

    /// A command that only reads.
    check: Option<Filled>,
    /// A command that changes something.
    run: Option<Filled>,
    /// A file beside the runbook, run by its `#!` line.
    script: Option<ScriptFile>,
    /// An instruction that a person does.
    manual: Option<Short<4000>>,
    wait: Option<WaitFile>,
    /// Another runbook's steps. Not yet available at start.
    #[schemars(rename = "use")]
    use_runbook: Option<RunbookPath>,
    /// A message to a channel. Not yet available at start.
    notify: Option<NotifyFile>,

    /// What the command does to its host; `change` unless given.
    effect: Option<EffectFile>,
    /// Arguments of the script.
    #[schemars(length(max = 100))]
    args: Option<Vec<Text>>,
    /// What a person must answer.
    #[schemars(extend("propertyNames" = {"pattern": "^[a-z][a-z0-9_]*$", "maxLength": 64}, "minProperties" = 1, "maxProperties" = 50))]
    ask: Option<BTreeMap<String, AskFile>>,
    /// Inputs of the other runbook.
    #[schemars(extend("propertyNames" = {"pattern": "^[a-z][a-z0-9_]*$", "maxLength": 64}, "maxProperties" = 50))]
    with: Option<BTreeMap<String, Text>>,

    /// Where it runs: on each host, on the first one, or on the server.
    on: Option<PlacementFile>,
    /// Another host to run it on; `$host` is still the target.
    delegate_to: Option<HostName>,
    /// Checked again right before the step.
    guard: Option<Vec<StepGuardFile>>,
    /// A read-only command whose output stands above the confirmation.
    preview: Option<Filled>,
    /// `press`, `count`, `host`, or a phrase to type.
    confirm: Option<Line<100>>,
    approval: Option<ApprovalFile>,
    /// The account it runs as, through `sudo -n`.
    #[schemars(rename = "as")]
    run_as: Option<UserName>,
    /// Further shell variables, exactly as written.
    #[schemars(extend("propertyNames" = {"pattern": "^[A-Za-z_][A-Za-z0-9_]*$", "maxLength": 64}, "maxProperties" = 100))]
    env: Option<BTreeMap<String, Text>>,
    dir: Option<Line<200>>,
    stdin: Option<Text>,
    shell: Option<Shell>,
    timeout: Option<Duration>,
    retry: Option<RetryFile>,
    /// May be run again by the server after an unknown outcome.
    idempotent: Option<bool>,
    /// Values read from stdout.
    #[schemars(extend("propertyNames" = {"pattern": "^[a-z][a-z0-9_]*$", "maxLength": 64}, "maxProperties" = 50))]
    capture: Option<BTreeMap<String, CaptureFile>>,
    /// A CEL condition; `exit == 0` unless given.
    expect: Option<Filled>,
    /// What it means when `expect` does not hold, and what to do.
    #[schemars(rename = "else")]
    otherwise: Option<Short<4000>>,
    /// After the change, until it holds.
    verify: Option<VerifyFile>,
    /// How to take it back, or `none`.
    undo: Option<UndoChoiceFile>,
    on_failure: Option<OnFailureFile>,
    /// Cannot be skipped without a reason.
    critical: Option<bool>,
    /// The command cuts its own connection: a reboot.
    expect_disconnect: Option<bool>,
    wait_for: Option<WaitForFile>,
    /// stderr goes into stdout, in exact order.
    merge: Option<bool>,
    /// `direct`: a device without a POSIX shell; no re-attach.
    attach: Option<AttachFile>,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
enum WaitFile {
    For(Duration),
    Until(WaitUntilFile),
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct WaitUntilFile {
    until: UntilFile,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct UntilFile {
    check: Filled,
    expect: Option<Filled>,
    /// `5s` unless given.
    every: Option<Duration>,
    #[schemars(rename = "for")]
    limit: Duration,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct NotifyFile {
    /// The channel.
    to: PlainName,
    message: Short<4000>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum EffectFile {
    /// Of a script that only reads.
    Check,
    Change,
    Destructive,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct AskFile {
    description: Short<200>,
    #[schemars(rename = "type")]
    kind: AskTypeFile,
    #[schemars(length(min = 1, max = 100))]
    options: Option<Vec<Line<200>>>,
    pattern: Option<Filled>,
    min: Option<f64>,
    max: Option<f64>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum AskTypeFile {
    String,
    Integer,
    Number,
    Boolean,
    Choice,
    Duration,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum PlacementFile {
    Each,
    First,
    Local,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct StepGuardFile {
    check: Filled,
    expect: Option<Filled>,
    #[schemars(rename = "else")]
    otherwise: Option<Short<4000>>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct RetryFile {
    /// `5s` unless given.
    every: Option<Duration>,
    #[schemars(rename = "for")]
    limit: Option<Duration>,
    times: Option<Times>,
}

/// All of stdout without its final newline, unless one of `regex`, `json` or `line` is given.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct CaptureFile {
    /// The only group of the first match, or the one named `value`.
    regex: Option<Filled>,
    /// An RFC 6901 pointer into stdout parsed as JSON.
    json: Option<Pointer>,
    line: Option<LineChoiceFile>,
    /// `string` unless given.
    #[schemars(rename = "type")]
    kind: Option<CaptureTypeFile>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum LineChoiceFile {
    Last,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum CaptureTypeFile {
    String,
    Integer,
    Number,
    Boolean,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct VerifyFile {
    check: Filled,
    #[schemars(extend("propertyNames" = {"pattern": "^[a-z][a-z0-9_]*$", "maxLength": 64}, "maxProperties" = 50))]
    capture: Option<BTreeMap<String, CaptureFile>>,
    expect: Option<Filled>,
    /// `5s` unless given.
    every: Option<Duration>,
    /// `1m` unless given.
    #[schemars(rename = "for")]
    limit: Option<Duration>,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
enum UndoChoiceFile {
    Word(NoUndoFile),
    How(UndoFile),
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum NoUndoFile {
    /// Stated: there is no way back.
    None,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct UndoFile {
    run: Option<Filled>,
    manual: Option<Short<4000>>,
}

/// How the host comes back.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct WaitForFile {
    ssh: Duration,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum AttachFile {
    Tether,
    Direct,
}
