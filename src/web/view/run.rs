//! The run page as its template sees it: the picture of the run, put into words and into order.

use serde::Serialize;

use crate::run::event::{Actor, RunEnd};
use crate::run::plan::{Pace, Part};
use crate::run::view::{HostStanding, HostView, Need, RunStateName, RunView, StepStateName, StepView};
use crate::web::format::{self, Moment};
use crate::web::view::need::NeedCard;
use crate::web::view::step::{StepCard, StepLine};
use crate::web::view::tail::Tail;

/// Finished steps that stay in sight above the current one; older ones are folded.
const EARLIER_SHOWN: usize = 2;

/// What `run::picture` gives for the value of a secret input.
const SECRET_SHOWN_AS: &str = "(secret)";

/// A sentence above everything else: what was refused, what was done.
#[derive(Debug, Clone, Serialize)]
pub struct Message {
    /// A class: `bad`.
    pub tone: &'static str,
    pub title: String,
    pub detail: Option<String>,
}

impl Message {
    pub fn refused(title: impl Into<String>, detail: Option<String>) -> Self {
        Self { tone: "bad", title: title.into(), detail }
    }
}

/// The whole run page.
#[derive(Debug, Clone, Serialize)]
pub struct RunPage {
    pub message: Option<Message>,
    pub id: String,
    pub seq: u64,
    /// The page follows the run as it goes on.
    pub live: bool,
    pub band: Band,
    /// Said to those who may only look.
    pub watching: Option<String>,
    /// Who holds it by a handoff.
    pub held: Option<HeldLine>,
    /// Set for those who watch.
    pub wheel: Option<Wheel>,
    /// Set for who took it over.
    pub took: Option<String>,
    pub stop: Option<StopPanel>,
    pub folded: Vec<StepLine>,
    pub folded_words: String,
    pub earlier: Vec<StepLine>,
    pub current: Option<StepCard>,
    /// What is needed that belongs to no step.
    pub need: Option<NeedCard>,
    pub result: Option<ResultCard>,
    pub later: Vec<StepLine>,
    pub facts: Facts,
}

/// What is always in sight.
#[derive(Debug, Clone, Serialize)]
pub struct Band {
    pub title: String,
    pub state: String,
    /// `wait`, `run`, `good`, `bad` or `still`: a class, beside a word.
    pub tone: &'static str,
    pub place: String,
    pub production: bool,
    pub progress: String,
    pub done: usize,
    pub total: usize,
    pub elapsed: String,
    /// Milliseconds since 1970 while the run goes on: the script counts on.
    pub since_ms: Option<i64>,
}

/// The item of a handoff that the run belongs to, and its holder.
#[derive(Debug, Clone, Serialize)]
pub struct HeldLine {
    pub href: String,
    pub title: String,
    pub holder: String,
    pub since: Moment,
}

/// Shown to those who watch: who drives, and the way to take over.
#[derive(Debug, Clone, Serialize)]
pub struct Wheel {
    pub id: String,
    pub seq: u64,
    pub driver: String,
    pub may_take: bool,
    /// The viewer drove it until then.
    pub lost: Option<Moment>,
}

/// Stopping, in the same place on every run.
#[derive(Debug, Clone, Serialize)]
pub struct StopPanel {
    pub id: String,
    pub seq: u64,
    pub stopping: bool,
    pub can_pause: bool,
    pub can_resume: bool,
    /// The step whose commands can be stopped now.
    pub step: Option<String>,
    pub step_name: String,
    pub hosts: String,
}

/// How a run ended, and what can be done now.
#[derive(Debug, Clone, Serialize)]
pub struct ResultCard {
    pub tone: &'static str,
    pub title: String,
    pub because: Option<String>,
    pub lasted: String,
    pub again: String,
    /// Start form that goes on from the step that did not succeed.
    pub go_on: Option<GoOn>,
}

#[derive(Debug, Clone, Serialize)]
pub struct GoOn {
    pub href: String,
    pub step: String,
}

/// What one looks up: who, when, from what, with which values, where.
#[derive(Debug, Clone, Serialize)]
pub struct Facts {
    pub may_share: bool,
    pub id: String,
    pub summary: String,
    pub runbook: String,
    pub commit: Option<String>,
    pub digest: String,
    pub started_by: String,
    pub started: Moment,
    pub ended: Option<Moment>,
    pub driver: String,
    /// Names that it holds on its hosts; empty if none.
    pub locks: String,
    pub reason: Option<String>,
    pub pace: &'static str,
    pub inputs: Vec<InputLine>,
    pub hosts: Vec<HostLine>,
    /// The start form with the same values.
    pub again: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct InputLine {
    pub name: String,
    pub value: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct HostLine {
    pub name: String,
    pub address: String,
    pub labels: String,
    pub standing: &'static str,
    pub tone: &'static str,
    pub note: Option<String>,
}

impl RunPage {
    /// The page of `view` at `now_ms`; `tails` are the last lines of the current step's attempts.
    pub fn new(view: &RunView, viewer: &Actor, now_ms: i64, tails: Vec<Tail>, message: Option<Message>) -> Self {
        let over = view.ended_at_ms.is_some();
        let current_at = current_position(view);
        let (before, after) = match current_at {
            Some(position) => (&view.steps[..position], &view.steps[position + 1..]),
            None if over => (&view.steps[..], &view.steps[..0]),
            None => (&view.steps[..0], &view.steps[..]),
        };
        let lines = |steps: &[StepView]| steps.iter().map(|step| StepLine::new(view, step)).collect::<Vec<_>>();
        let mut folded = lines(before);
        let earlier = folded.split_off(if over { 0 } else { folded.len().saturating_sub(EARLIER_SHOWN) });
        let need = view.waiting.as_ref().map(|need| NeedCard::new(view, need, now_ms, &tails));
        let (step_need, run_need) = match need {
            Some(need)
                if need.step.is_some() && need.step.as_deref() == current_at.map(|at| view.steps[at].id.as_str()) =>
            {
                (Some(need), None)
            }
            other => (None, other),
        };
        Self {
            message,
            id: view.id.to_string(),
            seq: view.seq,
            live: !over,
            band: Band::new(view, viewer, now_ms),
            watching: None,
            held: None,
            wheel: (!over && view.driver != *viewer).then(|| Wheel {
                id: view.id.to_string(),
                seq: view.seq,
                driver: view.driver.to_string(),
                may_take: true,
                lost: view
                    .taken
                    .as_ref()
                    .filter(|taken| taken.from == *viewer)
                    .map(|taken| Moment::new(taken.at_ms, now_ms)),
            }),
            took: (!over && view.driver == *viewer)
                .then(|| view.taken.as_ref().filter(|taken| taken.by == *viewer))
                .flatten()
                .map(|taken| format!("You took the wheel from {}, who is told.", taken.from)),
            stop: (!over).then(|| StopPanel::new(view)),
            folded_words: format::count(folded.len(), "earlier step", "earlier steps"),
            folded,
            earlier,
            current: current_at.map(|at| StepCard::new(view, &view.steps[at], now_ms, tails, step_need)),
            need: run_need,
            result: over.then(|| ResultCard::new(view)),
            later: lines(after),
            facts: Facts::new(view, now_ms),
        }
    }
}

fn current_position(view: &RunView) -> Option<usize> {
    if view.ended_at_ms.is_some() {
        return None;
    }
    let current = view.current.as_ref()?;
    view.steps.iter().position(|step| step.id == *current)
}

impl Band {
    fn new(view: &RunView, viewer: &Actor, now_ms: i64) -> Self {
        let steps: Vec<&StepView> = view.steps.iter().filter(|step| step.part == Part::Step).collect();
        let done = steps.iter().filter(|step| is_over(step)).count();
        let (mut state, tone) = state_words(view);
        if view.state == RunStateName::Waiting && !view.stopping && view.driver != *viewer {
            state = format!("Waits for {}", view.driver);
        }
        match &view.waiting {
            Some(Need::Approve(_)) if !view.stopping => "Waits for approval".clone_into(&mut state),
            Some(Need::Window { .. }) if !view.stopping => "Waits for its time".clone_into(&mut state),
            _ => {}
        }
        let until_ms = view.ended_at_ms.unwrap_or(now_ms);
        Self {
            title: view.title.clone(),
            state,
            tone,
            place: place(&view.hosts),
            production: view.hosts.iter().any(is_production),
            progress: progress(view, &steps, done),
            done,
            total: steps.len(),
            elapsed: format::duration(until_ms - view.started_at_ms),
            since_ms: view.ended_at_ms.is_none().then_some(view.started_at_ms),
        }
    }
}

fn is_over(step: &StepView) -> bool {
    match step.state {
        StepStateName::Succeeded | StepStateName::Skipped | StepStateName::Failed | StepStateName::Cancelled => true,
        StepStateName::Pending | StepStateName::Current | StepStateName::Unknown => false,
    }
}

fn progress(view: &RunView, steps: &[&StepView], done: usize) -> String {
    let current = view.current.as_ref().and_then(|id| view.steps.iter().find(|step| step.id == *id));
    match current {
        _ if view.ended_at_ms.is_some() => format!("{done} of {} steps done", steps.len()),
        Some(step) => step_words(view, step),
        None => "proving the hosts".to_owned(),
    }
}

/// `Step 4 of 8`, or `Precondition 1 of 2`.
pub fn step_words(view: &RunView, step: &StepView) -> String {
    let of = view.steps.iter().filter(|other| other.part == step.part).count();
    match step.part {
        Part::Step => format!("Step {} of {of}", step.number),
        Part::Precondition => format!("Precondition {} of {of}", step.number),
    }
}

/// The word and the class of a run's state.
pub fn state_words(view: &RunView) -> (String, &'static str) {
    let (word, tone) = match view.state {
        _ if view.stopping => ("Stopping", "wait"),
        RunStateName::Running => ("Running", "run"),
        RunStateName::Waiting => ("Waits for you", "wait"),
        RunStateName::Paused => ("Paused", "wait"),
        RunStateName::Succeeded => ("Succeeded", "good"),
        RunStateName::Failed if view.end == Some(RunEnd::Refused) => ("Refused", "bad"),
        RunStateName::Failed => ("Failed", "bad"),
        RunStateName::Aborted => ("Aborted", "still"),
    };
    (word.to_owned(), tone)
}

fn place(hosts: &[HostView]) -> String {
    let names = format::names(hosts.iter().map(|host| host.name.as_str()));
    match hosts.iter().find_map(|host| host.labels.get("env")) {
        Some(environment) => format!("{names} · {environment}"),
        None => names,
    }
}

fn is_production(host: &HostView) -> bool {
    host.labels.get("env").is_some_and(|environment| environment.starts_with("prod"))
}

impl StopPanel {
    fn new(view: &RunView) -> Self {
        let current = view.current.as_ref().and_then(|id| view.steps.iter().find(|step| step.id == *id));
        let stoppable = current.filter(|step| step.actions.contains(&crate::run::view::StepAction::Stop));
        Self {
            id: view.id.to_string(),
            seq: view.seq,
            stopping: view.stopping,
            can_pause: matches!(view.state, RunStateName::Running | RunStateName::Waiting),
            can_resume: view.state == RunStateName::Paused,
            step: stoppable.map(|step| step.id.to_string()),
            step_name: stoppable.map(|step| step.name.clone()).unwrap_or_default(),
            hosts: format::names(view.hosts.iter().map(|host| host.name.as_str())),
        }
    }
}

impl ResultCard {
    fn new(view: &RunView) -> Self {
        let (word, tone) = state_words(view);
        let unfinished = view.steps.iter().find(|step| {
            step.part == Part::Step && !matches!(step.state, StepStateName::Succeeded | StepStateName::Skipped)
        });
        Self {
            tone,
            title: word,
            because: view.ended_because.clone().filter(|because| !because.is_empty()),
            lasted: format::duration(view.ended_at_ms.unwrap_or(view.started_at_ms) - view.started_at_ms),
            again: again(view),
            go_on: unfinished.filter(|_| view.state != RunStateName::Succeeded).map(|step| GoOn {
                href: format!("{}&continues={}&from={}", again(view), view.id, step.id),
                step: step.name.clone(),
            }),
        }
    }
}

/// The start form with the values of this run; opening it starts nothing.
fn again(view: &RunView) -> String {
    let mut query = form_urlencoded_pairs(view);
    if query.is_empty() {
        query.push_str("again=1");
    }
    format!("/start/{}?{query}", view.runbook)
}

fn form_urlencoded_pairs(view: &RunView) -> String {
    // The picture shows secrets as words in brackets, which are nobody's value.
    let known = view.inputs.iter().filter(|(_, value)| value != SECRET_SHOWN_AS);
    let inputs = known.map(|(name, value)| (format!("input.{name}"), value.as_str()));
    let hosts = view.hosts.iter().map(|host| ("host".to_owned(), host.name.as_str()));
    crate::web::query::encode(inputs.chain(hosts))
}

impl Facts {
    fn new(view: &RunView, now_ms: i64) -> Self {
        Self {
            may_share: true,
            id: view.id.to_string(),
            summary: view.summary.clone(),
            runbook: view.runbook.clone(),
            commit: view.commit.as_ref().map(|commit| commit.chars().take(12).collect()),
            digest: view.plan_digest.chars().take(12).collect(),
            started_by: view.started_by.to_string(),
            started: Moment::new(view.started_at_ms, now_ms),
            ended: view.ended_at_ms.map(|ended_at_ms| Moment::new(ended_at_ms, now_ms)),
            driver: view.driver.to_string(),
            locks: view.locks.join(", "),
            reason: view.override_reason.clone(),
            pace: match view.pace {
                Pace::Step => "each changing step waits for its driver",
                Pace::Auto => "goes on until something needs a person",
            },
            inputs: view
                .inputs
                .iter()
                .map(|(name, value)| InputLine { name: name.clone(), value: value.clone() })
                .collect(),
            hosts: view.hosts.iter().map(HostLine::new).collect(),
            again: again(view),
        }
    }
}

impl HostLine {
    fn new(host: &HostView) -> Self {
        let (standing, tone) = match host.standing {
            HostStanding::Unproven => ("not yet proven", "still"),
            HostStanding::Proven => ("proven", "good"),
            HostStanding::Refused => ("refused", "bad"),
            HostStanding::Unreachable => ("cannot be reached", "bad"),
            HostStanding::Dropped => ("left out", "still"),
        };
        Self {
            name: host.name.to_string(),
            address: host.address.clone(),
            labels: host.labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", "),
            standing,
            tone,
            note: host.note.clone(),
        }
    }
}
