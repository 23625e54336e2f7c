//! Freezes a parsed runbook, its values and its hosts into a plan. Nothing is looked up later.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::id::{Digest, HostName, SecretName, StepId, ValueName};
use crate::inventory::target::{Expect, Target, Via};
use crate::run::approval::WITHIN_DEFAULT_MS;
use crate::run::friction;
use crate::run::plan::{
    Approvers, AskKind, CaptureSource, CaptureType, Continues, Gesture, PLAN_VERSION, Pace, Part, Plan, PlannedAction,
    PlannedApproval, PlannedAsk, PlannedCapture, PlannedCheck, PlannedRetry, PlannedStep, PlannedUndo, PlannedVerify,
    PlannedWindow, Surroundings, WindowRule,
};
use crate::runbook::model::{
    Action, Approval, Ask, Attach, Capture, CaptureFrom, CaptureKind, Condition, Confirm, Effect, InputKind, OnFailure,
    Owner, PaceLimit, Placement, Precondition, Retry, RetryLimit, RunGuard, Runbook, Step, Undo, Value, Verify, Wait,
};

/// How often a step with `retry: for` may be tried at most, so that `every: 1ms` ends.
const RETRIES_MAX: u32 = 1000;

/// The name that the server itself has in a plan, for `on: local` and for runbooks without hosts.
const SERVER_NAME: &str = "localhost"; // as `access::scope::SERVER_NAME`, which a test holds to it

/// Everything that fixes a run beside the runbook's text.
#[derive(Debug, Clone)]
pub struct Circumstances {
    pub commit: Option<String>,
    pub text_digest: Digest,
    pub inputs: BTreeMap<ValueName, Value>,
    pub secrets: Vec<ValueName>,
    /// By input, the server's secrets that the runbook uses.
    pub named_secrets: BTreeMap<ValueName, SecretName>,
    /// In the order in which they are worked; the server itself if the runbook names none.
    pub hosts: Vec<Target>,
    /// Where delegated steps run, by name.
    pub delegates: Vec<Target>,
    pub selection_size: u32,
    pub pace: Pace,
    pub hosts_confirmed: Option<u32>,
    /// The texts of the files that `script` steps name.
    pub scripts: BTreeMap<String, String>,
    pub parallel_max: u32,
    pub continues: Option<Continues>,
    /// Windows that are closed now and that the starter goes on against.
    pub windows_overridden: Vec<String>,
    /// Why it is started although a guard asks for a reason.
    pub override_reason: Option<String>,
}

/// Why a runbook cannot be run like this. Nothing has happened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotFreeze {
    #[error("this runbook forbids pace auto: start it with pace step")]
    AutoForbidden,
    #[error("you confirmed {stated} hosts, but this run is for {real} ({names})")]
    WrongCount { stated: u32, real: usize, names: String },
    #[error("the run is for {real} hosts, and this runbook allows at most {max}")]
    TooManyHosts { real: usize, max: u32 },
    #[error("the file {file} of step {step} is not beside the runbook")]
    NoScript { step: StepId, file: String },
    #[error("this runbook has no step {0} to go on from")]
    NoSuchStep(StepId),
}

/// The target that is the server itself.
pub fn server() -> Target {
    Target {
        name: SERVER_NAME.parse().expect("the constant is a host name"),
        labels: BTreeMap::new(),
        via: Via::Local,
        expect: Expect::default(),
    }
}

/// Freezes a runbook.
///
/// # Errors
/// See [`CannotFreeze`].
pub fn freeze(runbook: &Runbook, given: Circumstances) -> Result<Plan, CannotFreeze> {
    if given.pace == Pace::Auto && runbook.pace == PaceLimit::StepOnly {
        return Err(CannotFreeze::AutoForbidden);
    }
    check_counts(runbook, &given)?;
    if let Some(earlier) = &given.continues
        && !runbook.steps.iter().any(|step| step.id == earlier.from)
    {
        return Err(CannotFreeze::NoSuchStep(earlier.from.clone()));
    }
    let mut steps = Vec::with_capacity(runbook.preconditions.len() + runbook.steps.len());
    for (index, precondition) in runbook.preconditions.iter().enumerate() {
        steps.push(frozen_precondition(runbook, index, precondition));
    }
    if let Some(approval) = &runbook.approval {
        steps.push(approval_of_run(runbook, approval));
    }
    for step in &runbook.steps {
        steps.push(frozen_step(runbook, step, &given.scripts)?);
    }
    let mut delegates = given.delegates;
    let local_step = runbook.steps.iter().any(|step| step.on == Placement::Local);
    let server_is_there = given.hosts.iter().chain(&delegates).any(|target| target.name.as_str() == SERVER_NAME);
    if local_step && !server_is_there {
        delegates.push(server());
    }
    let mut plan = Plan {
        version: PLAN_VERSION,
        runbook: runbook.path.clone(),
        title: runbook.name.clone(),
        summary: runbook.summary.clone(),
        tags: runbook.tags.clone(),
        commit: given.commit,
        text_digest: given.text_digest,
        inputs: given.inputs,
        secrets: given.secrets,
        named_secrets: given.named_secrets,
        hosts: given.hosts,
        delegates,
        selection_size: given.selection_size,
        pace: given.pace,
        hosts_confirmed: given.hosts_confirmed,
        locks: locks(runbook),
        steps,
        parallel_max: given.parallel_max,
        continues: given.continues,
        authority: None,
        windows: windows(runbook, &given.windows_overridden),
        override_reason: given.override_reason,
    };
    ask_for_second_person(&mut plan);
    Ok(plan)
}

fn check_counts(runbook: &Runbook, given: &Circumstances) -> Result<(), CannotFreeze> {
    let real = given.hosts.len();
    if let Some(stated) = given.hosts_confirmed.filter(|stated| *stated as usize != real) {
        let names: Vec<HostName> = given.hosts.iter().map(|host| host.name.clone()).collect();
        return Err(CannotFreeze::WrongCount { stated, real, names: crate::run::words::names(&names) });
    }
    match runbook.hosts.as_ref().and_then(|hosts| hosts.max) {
        Some(max) if real > max as usize => Err(CannotFreeze::TooManyHosts { real, max }),
        Some(_) | None => Ok(()),
    }
}

/// Where the friction table wants a second person, each wave of the step needs one's word, whoever the author asks.
fn ask_for_second_person(plan: &mut Plan) {
    let hosts: Vec<&Target> = plan.hosts.iter().collect();
    let asks = |step: &PlannedStep| !step.once() && friction::needs_second_person(plan, step, &hosts);
    let positions: Vec<usize> = (0..plan.steps.len()).filter(|index| asks(&plan.steps[*index])).collect();
    for position in positions {
        let step = &mut plan.steps[position];
        let rule = step.approval.get_or_insert_with(|| PlannedApproval {
            prompt: None,
            from: Vec::new(),
            persons_min: 1,
            within_ms: WITHIN_DEFAULT_MS,
            every_wave: true,
        });
        rule.every_wave = true;
    }
}

/// The approval of a whole run is a step of its own before the first one: nothing else is needed to wait for it.
fn approval_of_run(runbook: &Runbook, approval: &Approval) -> PlannedStep {
    PlannedStep {
        id: free_id(runbook, "approval"),
        name: "Others agree to this run".to_owned(),
        action: PlannedAction::Pause { for_ms: 0 },
        idempotent: false,
        approval: Some(frozen_approval(approval)),
        ..beside_steps(runbook)
    }
}

fn frozen_approval(approval: &Approval) -> PlannedApproval {
    let from = approval.from.iter().map(|owner| match owner {
        Owner::Team(team) => Approvers::Team(team.clone()),
        Owner::User(user) => Approvers::User(user.clone()),
    });
    PlannedApproval {
        prompt: approval.prompt.clone(),
        from: from.collect(),
        persons_min: approval.min.max(1),
        within_ms: approval.within.map_or(WITHIN_DEFAULT_MS, milliseconds),
        every_wave: false,
    }
}

/// An id that no step of the runbook has.
fn free_id(runbook: &Runbook, wanted: &str) -> StepId {
    let mut id = wanted.to_owned();
    while runbook.steps.iter().any(|step| step.id.as_str() == id) {
        id.push('-');
    }
    id.parse().expect("words, a number and a few dashes are a step id")
}

fn windows(runbook: &Runbook, overridden: &[String]) -> Vec<PlannedWindow> {
    let windows = runbook.guards.iter().filter_map(|guard| match guard {
        RunGuard::OnlyDuring(name) => Some((name, WindowRule::Only)),
        RunGuard::NotDuring(name) => Some((name, WindowRule::Not)),
        RunGuard::OnCall(_) | RunGuard::Lock(_) => None,
    });
    windows
        .map(|(name, rule)| PlannedWindow { name: name.clone(), rule, overridden: overridden.contains(name) })
        .collect()
}

fn locks(runbook: &Runbook) -> Vec<String> {
    let locks = runbook.guards.iter().filter_map(|guard| match guard {
        RunGuard::Lock(name) => Some(name.clone()),
        RunGuard::OnCall(_) | RunGuard::OnlyDuring(_) | RunGuard::NotDuring(_) => None,
    });
    locks.collect()
}

fn frozen_precondition(runbook: &Runbook, index: usize, precondition: &Precondition) -> PlannedStep {
    PlannedStep {
        id: free_id(runbook, &format!("precondition-{}", index + 1)),
        name: precondition.name.clone(),
        action: PlannedAction::Command { body: precondition.check.clone(), effect: Effect::Check },
        delegate_to: precondition.delegate_to.clone(),
        expect: text(precondition.expect.as_ref()),
        otherwise: precondition.otherwise.clone(),
        ..beside_steps(runbook)
    }
}

/// What comes before the steps of a runbook, without what it does.
fn beside_steps(runbook: &Runbook) -> PlannedStep {
    PlannedStep {
        id: free_id(runbook, "before"),
        part: Part::Precondition,
        name: String::new(),
        why: None,
        only_if: None,
        action: PlannedAction::Pause { for_ms: 0 },
        placement: Placement::Each,
        delegate_to: None,
        guards: Vec::new(),
        preview: None,
        confirm: None,
        surroundings: Surroundings {
            run_as: runbook.defaults.run_as.clone(),
            shell: runbook.defaults.shell.clone(),
            env: BTreeMap::new(),
            dir: None,
            stdin: None,
            timeout_ms: milliseconds(runbook.defaults.timeout),
            merge: false,
        },
        retry: None,
        idempotent: true,
        capture: BTreeMap::new(),
        expect: None,
        otherwise: None,
        verify: None,
        undo: None,
        on_failure: OnFailure::Stop,
        critical: true,
        expect_disconnect: false,
        wait_for_ssh_ms: None,
        attach: Attach::Tether,
        approval: None,
    }
}

fn frozen_step(
    runbook: &Runbook,
    step: &Step,
    scripts: &BTreeMap<String, String>,
) -> Result<PlannedStep, CannotFreeze> {
    let local = step.on == Placement::Local;
    let server_name: Option<HostName> = local.then(|| server().name);
    Ok(PlannedStep {
        id: step.id.clone(),
        part: Part::Step,
        name: step.name.clone(),
        why: step.why.clone(),
        only_if: text(step.only_if.as_ref()),
        action: frozen_action(step, scripts)?,
        placement: step.on,
        delegate_to: step.delegate_to.clone().or(server_name),
        guards: step
            .guards
            .iter()
            .map(|guard| PlannedCheck {
                check: guard.check.clone(),
                expect: text(guard.expect.as_ref()),
                otherwise: guard.otherwise.clone(),
            })
            .collect(),
        preview: step.preview.clone(),
        confirm: step.confirm.as_ref().map(gesture),
        surroundings: surroundings(runbook, step),
        retry: step.retry.as_ref().map(frozen_retry),
        idempotent: step.idempotent,
        capture: step.capture.iter().map(|(name, capture)| (name.clone(), frozen_capture(capture))).collect(),
        expect: text(step.expect.as_ref()),
        otherwise: step.otherwise.clone(),
        verify: step.verify.as_ref().map(frozen_verify),
        undo: step.undo.as_ref().map(|undo| match undo {
            Undo::Run(command) => PlannedUndo::Run(command.clone()),
            Undo::Manual(instruction) => PlannedUndo::Manual(instruction.clone()),
            Undo::None => PlannedUndo::None,
        }),
        on_failure: step.on_failure.unwrap_or(runbook.on_failure),
        critical: step.critical,
        expect_disconnect: step.expect_disconnect,
        wait_for_ssh_ms: step.wait_for_ssh.map(milliseconds),
        attach: step.attach,
        approval: step.approval.as_ref().map(frozen_approval),
    })
}

fn surroundings(runbook: &Runbook, step: &Step) -> Surroundings {
    Surroundings {
        run_as: step.run_as.clone().or_else(|| runbook.defaults.run_as.clone()),
        shell: step.shell.clone().unwrap_or_else(|| runbook.defaults.shell.clone()),
        env: step.env.clone(),
        dir: step.dir.clone(),
        stdin: step.stdin.clone(),
        timeout_ms: milliseconds(step.timeout.unwrap_or(runbook.defaults.timeout)),
        merge: step.merge,
    }
}

fn frozen_action(step: &Step, scripts: &BTreeMap<String, String>) -> Result<PlannedAction, CannotFreeze> {
    Ok(match &step.action {
        Action::Check { command } => PlannedAction::Command { body: command.clone(), effect: Effect::Check },
        Action::Run { command, effect } => PlannedAction::Command { body: command.clone(), effect: *effect },
        Action::Script { file, args, effect } => PlannedAction::Script {
            file: file.clone(),
            text: scripts
                .get(file)
                .cloned()
                .ok_or_else(|| CannotFreeze::NoScript { step: step.id.clone(), file: file.clone() })?,
            args: args.clone(),
            effect: *effect,
        },
        Action::Manual { instruction, ask } => {
            PlannedAction::Manual { instruction: instruction.clone(), ask: ask.iter().map(frozen_ask).collect() }
        }
        Action::Wait(Wait::For(duration)) => PlannedAction::Pause { for_ms: milliseconds(*duration) },
        Action::Wait(Wait::Until { check, expect, every, limit }) => PlannedAction::Until {
            check: check.clone(),
            expect: text(expect.as_ref()),
            every_ms: milliseconds(*every),
            limit_ms: milliseconds(*limit),
        },
        // `runbook::available` refuses these before a plan is made.
        Action::Use { runbook, .. } => PlannedAction::Manual { instruction: format!("Run {runbook}."), ask: vec![] },
        Action::Notify { channel, message } => {
            PlannedAction::Manual { instruction: format!("Tell {channel}: {message}"), ask: vec![] }
        }
    })
}

fn frozen_ask(ask: &Ask) -> PlannedAsk {
    PlannedAsk {
        name: ask.name.clone(),
        description: ask.description.clone(),
        kind: match &ask.kind {
            // The parser refuses a manual step that asks for a secret.
            InputKind::String | InputKind::Secret => AskKind::String,
            InputKind::Integer => AskKind::Integer,
            InputKind::Number => AskKind::Number,
            InputKind::Boolean => AskKind::Boolean,
            InputKind::Choice(options) => AskKind::Choice(options.clone()),
            InputKind::Duration => AskKind::Duration,
        },
        pattern: ask.pattern.clone(),
        min: ask.min,
        max: ask.max,
    }
}

fn frozen_retry(retry: &Retry) -> PlannedRetry {
    let (times_max, for_ms_max) = match retry.limit {
        RetryLimit::Times(times) => (times, None),
        RetryLimit::For(duration) => (RETRIES_MAX, Some(milliseconds(duration))),
    };
    PlannedRetry { every_ms: milliseconds(retry.every), times_max, for_ms_max }
}

fn frozen_verify(verify: &Verify) -> PlannedVerify {
    PlannedVerify {
        check: verify.check.clone(),
        capture: verify.capture.iter().map(|(name, capture)| (name.clone(), frozen_capture(capture))).collect(),
        expect: text(verify.expect.as_ref()),
        every_ms: milliseconds(verify.every),
        limit_ms: milliseconds(verify.limit),
    }
}

fn frozen_capture(capture: &Capture) -> PlannedCapture {
    PlannedCapture {
        from: match &capture.from {
            CaptureFrom::Whole => CaptureSource::Whole,
            CaptureFrom::Regex(regex) => CaptureSource::Regex(regex.clone()),
            CaptureFrom::Json(pointer) => CaptureSource::Json(pointer.clone()),
            CaptureFrom::LastLine => CaptureSource::LastLine,
        },
        kind: match capture.kind {
            CaptureKind::String => CaptureType::String,
            CaptureKind::Integer => CaptureType::Integer,
            CaptureKind::Number => CaptureType::Number,
            CaptureKind::Boolean => CaptureType::Boolean,
        },
    }
}

fn gesture(confirm: &Confirm) -> Gesture {
    match confirm {
        Confirm::Press => Gesture::Press,
        Confirm::Count => Gesture::Count,
        Confirm::Host => Gesture::Host,
        Confirm::Phrase(words) => Gesture::Phrase(words.clone()),
    }
}

fn text(condition: Option<&Condition>) -> Option<String> {
    condition.map(|Condition(text)| text.clone())
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
