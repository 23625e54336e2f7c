//! The run page as its template sees it: the picture of the run, put into words and into order.

use serde::Serialize;

use crate::run::event::{Actor, RunEnd};
use crate::run::plan::Part;
use crate::run::view::{RunStateName, RunView, StepStateName, StepView};
use crate::web::format::{self, Moment};
use crate::web::view::around::{Around, People, idle_words};
use crate::web::view::band::Band;
use crate::web::view::facts::{Facts, again};
use crate::web::view::need::NeedCard;
use crate::web::view::step::{StepCard, StepLine, failed_step};
use crate::web::view::tail::Tail;

/// Finished steps that stay in sight above the current one; older ones are folded.
const EARLIER_SHOWN: usize = 3;

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
    pub people: People,
    /// What whoever looks is needed for; empty if they are not.
    pub needs: String,
    /// Said to whoever comes back after a while.
    pub idle: Option<String>,
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

/// A value that the run was started with.
#[derive(Debug, Clone, Serialize)]
pub struct InputLine {
    pub name: String,
    pub value: String,
}

impl RunPage {
    /// The page of `view` as `viewer` sees it; `tails` are the last lines of the attempts of the current step, or of
    /// the one that failed.
    pub fn new(view: &RunView, viewer: &Actor, around: &Around, tails: Vec<Tail>, message: Option<Message>) -> Self {
        let now_ms = around.now_ms;
        let over = view.ended_at_ms.is_some();
        let current_at = current_position(view);
        let (before, after) = match current_at {
            Some(position) => (&view.steps[..position], &view.steps[position + 1..]),
            None if over => (&view.steps[..], &view.steps[..0]),
            None => (&view.steps[..0], &view.steps[..]),
        };
        let lines = |steps: &[StepView]| steps.iter().map(|step| StepLine::new(view, step)).collect::<Vec<_>>();
        let mut folded = lines(before);
        let mut earlier = folded.split_off(if over { 0 } else { folded.len().saturating_sub(EARLIER_SHOWN) });
        let need = view.waiting.as_ref().map(|need| NeedCard::new(view, need, now_ms, &tails));
        let (step_need, run_need) = split(view, current_at, need);
        let (current_tails, failed_tails) = if over { (Vec::new(), tails) } else { (tails, Vec::new()) };
        if let Some(failed) = failed_step(view).filter(|_| over) {
            // It opens by itself, at its last lines.
            let line = earlier.iter_mut().find(|line| line.id == failed.id.as_str());
            line.into_iter().for_each(|line| (line.is_open, line.tails) = (true, failed_tails.clone()));
        }
        Self {
            message,
            id: view.id.to_string(),
            seq: view.seq,
            live: !over,
            band: Band::new(view, viewer, now_ms, around.usual_ms),
            people: People::new(view, viewer, around),
            needs: String::new(),
            idle: idle_words(view, around).filter(|_| view.driver == *viewer),
            watching: None,
            held: None,
            wheel: Wheel::new(view, viewer, now_ms),
            took: (!over && view.driver == *viewer)
                .then(|| view.taken.as_ref().filter(|taken| taken.by == *viewer))
                .flatten()
                .map(|taken| format!("You took the wheel from {}, who is told.", taken.from)),
            stop: (!over).then(|| StopPanel::new(view)),
            folded_words: format::count(folded.len(), "earlier step", "earlier steps"),
            folded,
            earlier,
            current: current_at.map(|at| StepCard::new(view, &view.steps[at], now_ms, current_tails, step_need)),
            need: run_need,
            result: over.then(|| ResultCard::new(view)),
            later: lines(after),
            facts: Facts::new(view, now_ms),
        }
    }
}

/// What is needed for the current step, and what belongs to no step.
fn split(view: &RunView, current_at: Option<usize>, need: Option<NeedCard>) -> (Option<NeedCard>, Option<NeedCard>) {
    let current = current_at.map(|at| view.steps[at].id.as_str());
    match need {
        Some(need) if need.step.is_some() && need.step.as_deref() == current => (Some(need), None),
        other => (None, other),
    }
}

impl Wheel {
    fn new(view: &RunView, viewer: &Actor, now_ms: i64) -> Option<Self> {
        let watches = view.ended_at_ms.is_none() && view.driver != *viewer;
        let lost = view.taken.as_ref().filter(|taken| taken.from == *viewer);
        watches.then(|| Self {
            id: view.id.to_string(),
            seq: view.seq,
            driver: view.driver.to_string(),
            may_take: true,
            lost: lost.map(|taken| Moment::new(taken.at_ms, now_ms)),
        })
    }
}

fn current_position(view: &RunView) -> Option<usize> {
    if view.ended_at_ms.is_some() {
        return None;
    }
    let current = view.current.as_ref()?;
    view.steps.iter().position(|step| step.id == *current)
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
