//! A runbook file, field by field, without its steps.
#![expect(dead_code, reason = "these types are only ever described, never made")]

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::scalar::{
    AlertPath, Amount, AmountOrNone, Count, Date, Duration, Filled, HostName, Line, Owner, PlainName, SecretNameFile,
    Shell, Short, Text, UserName, Version,
};
use super::step::StepFile;

/// A runbook: what breaks or what one does, and how, step by step.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, title = "Steadyhand runbook, version 1")]
pub(super) struct RunbookFile {
    /// Version of the format.
    steadyhand: Version,
    /// What breaks or what one does, in at most 60 characters.
    name: Line<60>,
    /// One sentence, with the usual duration.
    summary: Short<300>,
    /// Who answers for it: `team:x` or `user:x`.
    owner: Option<Owner>,
    /// When someone must have read it again.
    review_by: Option<Date>,
    /// After this day, starting it needs a reason.
    expires: Option<Date>,
    /// Words for the search.
    tags: Option<Vec<Line<200>>>,
    /// What it answers: names of alerts, or matchers as Alertmanager's.
    alerts: Option<Vec<Line<200>>>,
    /// Read a step and do it, or do all and confirm.
    mode: Option<ModeFile>,
    /// `step` forbids starting it with `auto`.
    pace: Option<PaceFile>,
    /// Values that are given at the start: `$name` in commands, `name` in conditions, `{{name}}` in texts.
    #[schemars(extend("propertyNames" = {"pattern": "^[a-z][a-z0-9_]*$", "maxLength": 64}, "maxProperties" = 50))]
    inputs: Option<BTreeMap<String, InputFile>>,
    /// The hosts it may touch. Without it: the server itself.
    hosts: Option<HostsFile>,
    /// How it spreads over many hosts. Not yet available at start.
    strategy: Option<StrategyFile>,
    /// What must hold for the whole run.
    guards: Option<Vec<RunGuardFile>>,
    /// Checked before step 1, all of them.
    preconditions: Option<Vec<PreconditionFile>>,
    /// Who must agree before step 1. Not yet available at start.
    approval: Option<ApprovalFile>,
    /// Whom to call, and when. Not yet available at start.
    escalate: Option<EscalateFile>,
    /// For steps that do not say.
    defaults: Option<DefaultsFile>,
    #[schemars(length(min = 1, max = 200))]
    steps: Vec<StepFile>,
    /// For steps that do not say; `pause` unless given.
    on_failure: Option<OnFailureFile>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum ModeFile {
    ReadDo,
    DoConfirm,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum PaceFile {
    Auto,
    Step,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct InputFile {
    /// What the value is, for the person who fills in the form.
    description: Short<200>,
    /// `secret` is never stored or shown.
    #[schemars(rename = "type")]
    kind: InputTypeFile,
    /// What a choice offers.
    #[schemars(length(min = 1, max = 100))]
    options: Option<Vec<Line<200>>>,
    default: Option<Text>,
    /// `true` unless given: a value is needed where there is no default.
    required: Option<bool>,
    /// Regular expression for the whole value.
    pattern: Option<Filled>,
    min: Option<f64>,
    max: Option<f64>,
    /// Where an alert holds the value: `labels.mountpoint`.
    from_alert: Option<AlertPath>,
    /// The server's secret of this name, fetched just before each command that names the input. Only for a secret.
    from_secret: Option<SecretNameFile>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum InputTypeFile {
    String,
    Integer,
    Number,
    Boolean,
    Choice,
    Duration,
    Secret,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct HostsFile {
    #[schemars(length(min = 1, max = 1000))]
    names: Option<Vec<HostName>>,
    /// Kubernetes label selector over the inventory: `role=web,env in (prod,staging)`.
    select: Option<Filled>,
    #[schemars(length(min = 1, max = 1000))]
    exclude: Option<Vec<HostName>>,
    /// Where an alert names the host: `labels.instance`.
    from_alert: Option<AlertPath>,
    /// More hosts are refused at start.
    max: Option<Count>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct StrategyFile {
    /// Sizes of the batches: `[1, 2, 25%]`.
    serial: Option<Vec<Amount>>,
    max_parallel: Option<Count>,
    max_failed: Option<AmountOrNone>,
    between: Option<BetweenFile>,
    wait: Option<Duration>,
    /// A label; hosts that share its value are never worked on together.
    one_at_a_time_by: Option<PlainName>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum BetweenFile {
    None,
    Confirm,
    Approval,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct RunGuardFile {
    /// Only who is on call may start it; others state a reason. Not yet available at start.
    on_call: Option<bool>,
    /// A named window. Not yet available at start.
    only_during: Option<PlainName>,
    /// A named window. Not yet available at start.
    not_during: Option<PlainName>,
    /// One run at a time holds this name on a host.
    lock: Option<PlainName>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct PreconditionFile {
    name: Short<200>,
    /// A read-only command.
    check: Filled,
    /// `exit == 0` unless given.
    expect: Option<Filled>,
    /// What it means when it does not hold, and what to do.
    #[schemars(rename = "else")]
    otherwise: Option<Short<4000>>,
    /// Another host to run it on.
    delegate_to: Option<HostName>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct ApprovalFile {
    prompt: Option<Short<4000>>,
    /// Who may agree.
    #[schemars(length(min = 1))]
    from: Vec<Owner>,
    /// How many must agree; 1 unless given.
    min: Option<Count>,
    within: Option<Duration>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct EscalateFile {
    to: PlainName,
    /// Without progress for this long.
    after: Option<Duration>,
    message: Option<Short<4000>>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct DefaultsFile {
    /// `10m` unless given.
    timeout: Option<Duration>,
    /// The account that commands run as, through `sudo -n`.
    #[schemars(rename = "as")]
    run_as: Option<UserName>,
    /// `sh` unless given.
    shell: Option<Shell>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub(super) enum OnFailureFile {
    Pause,
    Stop,
    Continue,
    SkipHost,
    Undo,
    Escalate,
}
