//! Runs in each state and with each need.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::NOW_MS;
use crate::difference::difference;
use crate::id::{AttemptId, HostName, RunId, StepId};
use crate::run::approval::ClosedWindow;
use crate::run::approval_view::{ApprovalView, CommandView, FileChange, SinceSuccess, VoteView};
use crate::run::event::{Actor, PauseReason, Purpose, RunEnd};
use crate::run::plan::{AskKind, Gesture, Pace, Part, PlannedAsk};
use crate::run::view::{
    AttemptView, CellStateName, CellView, HostStanding, HostView, Need, RunStateName, RunView, StepAction, StepKind,
    StepStateName, StepView, TakenView,
};
use crate::runbook::model::Effect;
use crate::web::ansi::Painter;
use crate::web::view::around::{Around, Nudged};
use crate::web::view::tail::{Line, Tail};

pub fn actor() -> Actor {
    Actor("user:anna".to_owned())
}

/// Who looks on and nudges, and how long it usually takes. Runs of one host have been left alone for a while.
pub fn around(view: &RunView) -> Around {
    let idle_ms = if view.hosts.len() == 1 { 1_380_000 } else { 45_000 };
    Around {
        now_ms: NOW_MS,
        last_event_ms: Some(NOW_MS - idle_ms),
        usual_ms: view.current.as_ref().map(|_| if view.hosts.len() == 1 { 200_000 } else { 540_000 }),
        watchers: vec!["user:anna".to_owned(), "user:ben".to_owned()],
        nudge: Some(Nudged { by: "user:ben".to_owned(), at_ms: NOW_MS - 40_000 }),
    }
}

fn step_id(id: &str) -> StepId {
    id.parse().expect("a valid step id")
}

fn host(name: &str) -> HostName {
    name.parse().expect("a valid host name")
}

/// Name, picture and last lines.
pub fn all() -> Vec<(&'static str, RunView, Vec<Tail>)> {
    let hosts = ["web-1", "web-2", "web-3"];
    let mut samples: Vec<_> = needs()
        .into_iter()
        .map(|(name, need)| {
            let paused = matches!(need, Need::Resume { .. } | Need::Storage { .. });
            let mut view = run(&hosts, if paused { RunStateName::Paused } else { RunStateName::Waiting });
            fit(&mut view, &need);
            view.waiting = Some(need);
            (name, view, vec![tail("web-3", true), tail("web-1", false)])
        })
        .collect();
    samples.push(("running", run(&hosts, RunStateName::Running), vec![tail("web-1", false), tail("web-2", false)]));
    samples.push(("one-host", run(&["web-3"], RunStateName::Running), vec![tail("web-3", false)]));
    samples.push(("proving", RunView { current: None, ..run(&hosts, RunStateName::Running) }, Vec::new()));
    let taken = TakenView { by: Actor("user:ben".to_owned()), from: actor(), at_ms: NOW_MS - 30_000 };
    let lost = RunView { driver: taken.by.clone(), taken: Some(taken), ..run(&hosts, RunStateName::Running) };
    samples.push(("wheel-lost", lost, Vec::new()));
    samples.push(("stopping", RunView { stopping: true, ..run(&hosts, RunStateName::Running) }, Vec::new()));
    for (name, state, end) in [
        ("succeeded", RunStateName::Succeeded, RunEnd::Succeeded),
        ("failed", RunStateName::Failed, RunEnd::Failed),
        ("refused", RunStateName::Failed, RunEnd::Refused),
        ("aborted", RunStateName::Aborted, RunEnd::Aborted),
    ] {
        samples.push((name, ended(run(&hosts, state), end), Vec::new()));
    }
    samples
}

fn fit(view: &mut RunView, need: &Need) {
    let current = view.steps.iter_mut().find(|step| step.id.as_str() == "releases").expect("it is among the steps");
    match need {
        Need::Decide { .. } => set_cells(current, CellStateName::Failed, Some("exit 1: expected now_pct < 90")),
        Need::ResolveUnknown { .. } => set_cells(current, CellStateName::Unknown, Some("unknown: the host rebooted")),
        Need::Answer { .. } => current.kind = StepKind::Manual,
        Need::Confirm { .. } => set_cells(current, CellStateName::Waiting, None),
        _ => {}
    }
}

fn set_cells(step: &mut StepView, state: CellStateName, detail: Option<&str>) {
    for cell in &mut step.cells {
        cell.state = state;
        cell.detail = detail.map(str::to_owned);
    }
}

fn needs() -> Vec<(&'static str, Need)> {
    let step = step_id("releases");
    let confirm = |gesture, expected: Option<&str>, hosts: &[&str]| Need::Confirm {
        step: step.clone(),
        gesture,
        expected: expected.map(str::to_owned),
        hosts: hosts.iter().map(|name| host(name)).collect(),
        sentence: "Deletes the releases listed above on web-3, in production. There is no way back.".to_owned(),
        previews: vec![attempt_id(90)],
        preview_stale_at_ms: Some(NOW_MS + 240_000),
    };
    let ask = |name: &str, kind| PlannedAsk {
        name: name.parse().expect("a valid name"),
        description: format!("What the dashboard says for {name}"),
        kind,
        pattern: None,
        min: Some(0.0),
        max: Some(100.0),
    };
    let questions = vec![
        ask("error_rate", AskKind::Number),
        ask("healthy", AskKind::Boolean),
        ask("colour", AskKind::Choice(vec!["green".to_owned(), "red".to_owned()])),
    ];
    let instruction = "Open the web dashboard, last 5 minutes, and type the value that you see.".to_owned();
    vec![
        ("confirm-press", confirm(Gesture::Press, None, &["web-3"])),
        ("confirm-host", confirm(Gesture::Host, Some("web-3"), &["web-3"])),
        ("confirm-count", confirm(Gesture::Count, Some("2"), &["web-1", "web-2"])),
        ("answer", Need::Answer { step: step.clone(), instruction: instruction.clone(), ask: questions }),
        ("done", Need::Answer { step: step.clone(), instruction: instruction.clone(), ask: Vec::new() }),
        ("decide", Need::Decide { step: step.clone(), failed: vec![host("web-3")] }),
        (
            "unknown",
            Need::ResolveUnknown { step: step.clone(), host: host("web-3"), because: "the host rebooted".to_owned() },
        ),
        ("approve", Need::Approve(Box::new(asked(&step)))),
        (
            "ask-again",
            Need::AskAgain { step: step.clone(), why: "user:ben rejected it: web-3 still serves".to_owned() },
        ),
        ("window", Need::Window { step: step.clone(), windows: vec![closed()] }),
        ("reach", Need::ReachHosts { hosts: vec![host("web-2"), host("web-3")] }),
        ("secrets", Need::Secrets { names: vec!["api_key".to_owned()] }),
        ("undo", Need::ManualUndo { step, instruction }),
        ("lock", lock(Some(RunId(Uuid::from_u128(7))))),
        ("lock-hidden", lock(None)),
        ("storage", Need::Storage { reason: "the disk of the server is full".to_owned() }),
        ("resume", Need::Resume { why: PauseReason::Person }),
    ]
}

fn lock(holder: Option<RunId>) -> Need {
    Need::Lock { lock: "deploy".to_owned(), host: host("web-3"), holder, since_ms: NOW_MS - 900_000 }
}

fn closed() -> ClosedWindow {
    let why = "the window freeze is on (Year-end freeze)".to_owned();
    ClosedWindow { name: "freeze".to_owned(), until_ms: Some(NOW_MS + 86_400_000), why }
}

fn asked(step: &StepId) -> ApprovalView {
    let vote = |name: &str, counts| VoteView {
        by: Actor(format!("user:{name}")),
        at_ms: NOW_MS - 60_000,
        note: Some("looks right".to_owned()),
        counts,
        why_not: (!counts).then(|| "the account is disabled".to_owned()),
    };
    ApprovalView {
        step: step.clone(),
        prompt: "Delete old releases on web-3".to_owned(),
        effect: Effect::Destructive,
        hosts: vec![host("web-3")],
        commands: vec![CommandView {
            host: host("web-3"),
            text: "host='web-3'\ncd /srv/app/releases && ls -1t | tail -n +4 | xargs -r rm -rf --\n".to_owned(),
            is_cut: false,
        }],
        commands_more: 0,
        previews: vec![attempt_id(90)],
        asked_by: actor(),
        asked_at_ms: NOW_MS - 120_000,
        expires_at_ms: NOW_MS + 1_680_000,
        persons_min: 2,
        from: vec!["team:web".to_owned()],
        votes: vec![vote("ben", true), vote("cleo", false)],
        served_text_differs: true,
        since_success: Some(SinceSuccess {
            run: RunId(Uuid::from_u128(8)),
            commit: Some("4f7ca81f2b6f0c2d1e3a".to_owned()),
            text_differs: true,
            files: vec![
                FileChange {
                    file: "web/disk-full.yaml".to_owned(),
                    difference: difference("run: rm -rf -- old\n", "run: rm -rf -- <b>older</b>\n").ok(),
                    note: None,
                },
                FileChange { file: "shrink.sh".to_owned(), difference: None, note: Some("it is gone".to_owned()) },
            ],
        }),
    }
}

fn attempt_id(number: u128) -> AttemptId {
    AttemptId(Uuid::from_u128(0x0198_c5a0_7d3e_7c11_9d5b_0000_0000_0000 + number))
}

/// A run on these hosts that goes on.
pub fn of_hosts(hosts: &[&str]) -> RunView {
    run(hosts, RunStateName::Running)
}

fn run(hosts: &[&str], state: RunStateName) -> RunView {
    RunView {
        id: RunId(Uuid::from_u128(0x0198_c5a0_7d3e_7c11_9d5b_6c6f_0a4f_6c01)),
        runbook: "web/disk-full".to_owned(),
        title: "Disk full on a web host".to_owned(),
        summary: "Free space on one web host so that nginx and the app can write again. About 10 minutes.".to_owned(),
        commit: Some("4f1c2d9e8b7a65f0e1d2c3b4a5968778695a4b3c".to_owned()),
        plan_digest: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
        state,
        waiting: None,
        started_by: actor(),
        driver: actor(),
        taken: None,
        text_digest: "5d".repeat(32),
        locks: vec!["disk".to_owned()],
        override_reason: None,
        overridden_windows: Vec::new(),
        started_at_ms: NOW_MS - 260_000,
        ended_at_ms: None,
        ended_because: None,
        end: None,
        pace: Pace::Step,
        inputs: vec![("mount".to_owned(), "/var".to_owned()), ("password".to_owned(), "(secret)".to_owned())],
        hosts: hosts.iter().map(|name| host_view(name)).collect(),
        steps: steps(hosts),
        current: Some(step_id("releases")),
        seq: 42,
        stopping: false,
    }
}

fn host_view(name: &str) -> HostView {
    let unreachable = name == "web-2";
    HostView {
        name: host(name),
        labels: BTreeMap::from([("env".to_owned(), "prod".to_owned()), ("role".to_owned(), "web".to_owned())]),
        address: "ops@10.0.4.17:22".to_owned(),
        standing: if unreachable { HostStanding::Unreachable } else { HostStanding::Proven },
        note: unreachable.then(|| "connection timed out after 10 s".to_owned()),
    }
}

fn steps(hosts: &[&str]) -> Vec<StepView> {
    let step = |number: usize, id: &str, name: &str, effect, state| StepView {
        id: step_id(id),
        part: if number == 0 { Part::Precondition } else { Part::Step },
        number: number.max(1),
        name: name.to_owned(),
        why: (id == "releases").then(|| "Old releases take most of the space; the newest three stay.".to_owned()),
        effect,
        kind: match effect {
            Effect::Check => StepKind::Check,
            Effect::Change | Effect::Destructive => StepKind::Run,
        },
        body: "cd /srv/app/releases && ls -1t | tail -n +4 | xargs -r rm -rf --".to_owned(),
        critical: id == "releases",
        cells: hosts.iter().map(|name| cell(name, state)).collect(),
        state,
        started_at_ms: Some(NOW_MS - 200_000),
        ended_at_ms: (state == StepStateName::Succeeded).then_some(NOW_MS - 195_000),
        actions: if state == StepStateName::Current {
            vec![StepAction::Stop, StepAction::Skip, StepAction::Retry]
        } else {
            Vec::new()
        },
    };
    vec![
        step(0, "is-web", "This is a web host", Effect::Check, StepStateName::Succeeded),
        step(1, "measure", "Measure how full the filesystem is", Effect::Check, StepStateName::Succeeded),
        step(2, "largest", "List the ten largest directories", Effect::Check, StepStateName::Skipped),
        step(3, "journal", "Shrink the systemd journal to 500 MB", Effect::Change, StepStateName::Succeeded),
        step(4, "rotate", "Rotate the logs", Effect::Change, StepStateName::Succeeded),
        step(5, "releases", "Delete releases older than the newest three", Effect::Destructive, StepStateName::Current),
        step(6, "serving", "Read the error rate on the web dashboard", Effect::Check, StepStateName::Pending),
    ]
}

fn cell(name: &str, step: StepStateName) -> CellView {
    let state = match step {
        StepStateName::Succeeded => CellStateName::Succeeded,
        StepStateName::Skipped => CellStateName::Skipped,
        StepStateName::Current => CellStateName::Running,
        _ => CellStateName::Pending,
    };
    let over = state == CellStateName::Succeeded;
    CellView {
        host: host(name),
        state,
        detail: (state == CellStateName::Skipped).then(|| "skipped: used_pct < 85".to_owned()),
        advice: (state == CellStateName::Running).then(|| "Nothing to delete: escalate to storage.".to_owned()),
        values: if over { vec![("used_pct".to_owned(), "93".to_owned())] } else { Vec::new() },
        attempts: if over || state == CellStateName::Running { vec![attempt(over)] } else { Vec::new() },
        started_at_ms: Some(NOW_MS - 60_000),
        ended_at_ms: over.then_some(NOW_MS - 58_700),
    }
}

fn attempt(over: bool) -> AttemptView {
    AttemptView {
        id: attempt_id(1),
        number: 1,
        purpose: Purpose::Main,
        runs_on: host("web-1"),
        outcome: if over { "exit 0" } else { "running" }.to_owned(),
        over,
        started_at_ms: NOW_MS - 60_000,
        ended_at_ms: over.then_some(NOW_MS - 58_700),
        script_digest: "9f86d081884c".to_owned(),
    }
}

fn tail(name: &str, preview: bool) -> Tail {
    let id = attempt_id(if preview { 90 } else { 1 });
    Tail {
        attempt: id,
        key: format!("{name}-{id}"),
        title: if preview { format!("{name} · preview") } else { name.to_owned() },
        outcome: if preview { "exit 0" } else { "running" }.to_owned(),
        tone: if preview { "good" } else { "run" },
        href: format!("/runs/x/steps/releases/hosts/{name}?attempt={id}"),
        lines: lines(if preview { 4 } else { 30 }),
        earlier: 12,
        empty: false,
        aside: preview,
    }
}

/// Lines with colours, errors and what an attacker would write.
pub fn lines(count: u64) -> Vec<Line> {
    let mut painter = Painter::new();
    (1..=count)
        .map(|number| {
            let text = match number % 5 {
                1 => format!("\x1b[32m2026-11-1{number}T10:00:00\x1b[0m removed release-{number}"),
                2 => "<script>alert(1)</script> & \"quoted\"".to_owned(),
                3 => "\x1b[31mrm: cannot remove 'a': \x1b[1mOperation not permitted\x1b[0m".to_owned(),
                _ => format!("/srv/app/releases/{number}: {}", "x".repeat(90)),
            };
            let html = painter.html(text.as_bytes());
            Line {
                number,
                html,
                stderr: number % 5 == 3,
                at: format!("{}.{:03}", number / 4, number * 37 % 1000),
                marked: number == 7,
                continues: number == 9,
                overwritten: if number == 12 { 57 } else { 0 },
                states: (number == 12).then(|| "/runs/x?lines=12&states=1".to_owned()),
                hit: number == 13,
            }
        })
        .collect()
}

fn ended(mut view: RunView, end: RunEnd) -> RunView {
    view.end = Some(end);
    view.ended_at_ms = Some(NOW_MS);
    view.ended_because = (end != RunEnd::Succeeded).then(|| "a person aborted it: wrong host".to_owned());
    view.current = None;
    for step in &mut view.steps {
        let succeeded = end == RunEnd::Succeeded;
        if matches!(step.state, StepStateName::Current | StepStateName::Pending) {
            step.state = if succeeded { StepStateName::Succeeded } else { StepStateName::Cancelled };
            let cell_state = if succeeded { CellStateName::Succeeded } else { CellStateName::Cancelled };
            set_cells(step, cell_state, None);
            step.actions.clear();
        }
    }
    view
}
