//! What goes on now: what waits for whoever asks, what waits for others, what runs, what has ended.

use crate::access::policy::Permission;
use crate::access::scope::{About, Scope};
use crate::engine::policy::scope_of_row;
use crate::run::approval;
use crate::run::state::State;
use crate::run::view::Need;
use crate::store::runs::{Filter, RunRow};
use crate::web::authority::{Authorised, Each, ReadRuns};
use crate::web::doing;
use crate::web::problem::Problem;
use crate::web::reading::runs;
use crate::web::state::Web;
use crate::web::view::now::{OnCall, OnCallLine, Row, Section, SectionLink};

/// Runs of each state that are looked at; the rest is in the list of runs.
const LIVE_MAX: u32 = 50;

/// Runs that ended lately.
const ENDED: usize = 5;

/// Everything of the first page that comes from runs.
pub struct Runs {
    pub mine: Vec<Row>,
    pub others: Vec<Row>,
    pub running: Vec<Row>,
    pub ended: Vec<Row>,
}

impl Runs {
    /// As sections, in the order of the page.
    pub fn sections(self) -> Vec<Section> {
        let all = |href, words| Some(SectionLink { href, words });
        vec![
            Section { id: "mine", title: "Waits for you", rows: self.mine, all: None },
            Section {
                id: "others",
                title: "Waits for others",
                rows: self.others,
                all: all("/runs?state=waiting", "All that wait"),
            },
            Section {
                id: "running",
                title: "Running",
                rows: self.running,
                all: all("/runs?state=running", "All that run"),
            },
            Section { id: "ended", title: "Ended lately", rows: self.ended, all: all("/runs", "All runs") },
        ]
    }
}

/// The runs that whoever asks may see, by what they need.
///
/// # Errors
/// The store or the engine cannot be read.
pub async fn of_runs(who: &Authorised<ReadRuns, Each>, web: &Web) -> Result<Runs, Problem> {
    let now_ms = web.now_ms();
    let (mut mine, mut others) = (Vec::new(), Vec::new());
    for state in ["waiting", "paused"] {
        for row in of_state(who, web, state).await? {
            match what_is_asked(who, web, &row).await? {
                Asked::OfMe(asked) => mine.push(Row { state: asked.to_owned(), ..Row::from(runs::line(&row, now_ms)) }),
                Asked::OfOthers(whom) => {
                    let mut line = Row::from(runs::line(&row, now_ms));
                    line.notes.extend(whom);
                    others.push(line);
                }
            }
        }
    }
    let running = of_state(who, web, "running").await?;
    let newest = runs::list(who, web, &Filter::default(), None, LIVE_MAX).await?;
    let ended = newest.runs.iter().filter(|row| row.ended_at_ms.is_some()).take(ENDED);
    Ok(Runs {
        mine,
        others,
        running: running.iter().map(|row| Row::from(runs::line(row, now_ms))).collect(),
        ended: ended.map(|row| Row::from(runs::line(row, now_ms))).collect(),
    })
}

async fn of_state(who: &Authorised<ReadRuns, Each>, web: &Web, state: &str) -> Result<Vec<RunRow>, Problem> {
    let filter = Filter { state: Some(state.to_owned()), ..Filter::default() };
    Ok(runs::list(who, web, &filter, None, LIVE_MAX).await?.runs)
}

/// Whom a run waits for.
enum Asked {
    /// Whoever asks could do it now: what, in a word or two.
    OfMe(&'static str),
    /// Who else, where one person is meant.
    OfOthers(Option<String>),
}

async fn what_is_asked(who: &Authorised<ReadRuns, Each>, web: &Web, row: &RunRow) -> Result<Asked, Problem> {
    // It may have ended since the row was read.
    let Some(seen) = web.engine().seen(row.id).await? else { return Ok(Asked::OfOthers(None)) };
    let view = seen.view();
    let scope = scope_of_row(row);
    let may_act = who.may(Permission::ActOnRuns, About::Run(&scope));
    let drives = view.driver.person() == who.actor().person();
    let driver = || Some(format!("driven by {}", view.driver));
    Ok(match &view.waiting {
        None | Some(Need::Storage { .. } | Need::Window { .. }) => Asked::OfOthers(None),
        Some(Need::Approve(asked)) => match may_approve(who, &seen.state, &asked.step, &scope) {
            true => Asked::OfMe("Approve"),
            false => Asked::OfOthers((!asked.from.is_empty()).then(|| format!("asked of {}", asked.from.join(", ")))),
        },
        Some(Need::ResolveUnknown { step, .. }) => {
            let barred = seen.state.plan.step_index(step).is_some_and(|index| {
                let guarded = seen.state.plan.steps[index].approval.is_some();
                guarded && approval::barred(&seen.state, index, who.actor()).is_some()
            });
            if may_act && !barred { Asked::OfMe("Say what happened") } else { Asked::OfOthers(driver()) }
        }
        Some(need) if may_act && drives => Asked::OfMe(verb(need)),
        Some(_) => Asked::OfOthers(driver()),
    })
}

fn may_approve(who: &Authorised<ReadRuns, Each>, state: &State, step: &crate::id::StepId, scope: &Scope) -> bool {
    let Some(index) = state.plan.step_index(step) else { return false };
    let Some(rule) = &state.plan.steps[index].approval else { return false };
    let credentials = doing::credentials(who, Some(About::Run(scope)));
    let voted = approval::of_step(state, index)
        .is_some_and(|asked| asked.votes.iter().any(|vote| vote.by.person() == who.actor().person()));
    !voted && approval::may_answer(state, index, rule, who.actor(), &credentials).is_ok()
}

/// What is to be done, in a word or two.
fn verb(need: &Need) -> &'static str {
    match need {
        Need::Confirm { .. } => "Confirm",
        Need::Answer { .. } => "Do and answer",
        Need::Decide { .. } => "Decide",
        Need::ResolveUnknown { .. } => "Say what happened",
        Need::ReachHosts { .. } => "Reach hosts",
        Need::Secrets { .. } => "Give secrets",
        Need::ManualUndo { .. } => "Take back",
        Need::Approve(_) => "Approve",
        Need::AskAgain { .. } => "Ask again",
        Need::Resume { .. } => "Resume",
        Need::Storage { .. } | Need::Window { .. } | Need::Lock { .. } => "Waits",
    }
}

/// Who is on call, for which team. The one place that the first page asks.
pub fn on_call(who: &Authorised<ReadRuns, Each>, _web: &Web) -> OnCall {
    let me = who.actor().person().strip_prefix("user:");
    let teams = &who.policy().on_call;
    let mine: Vec<&str> = teams
        .iter()
        .filter(|(_, names)| names.iter().any(|name| Some(name.as_str()) == me))
        .map(|(team, _)| team.as_str())
        .collect();
    OnCall {
        mine: (!mine.is_empty()).then(|| mine.join(" and ")),
        others: teams
            .iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(team, names)| OnCallLine { team: team.clone(), names: names.join(", ") })
            .collect(),
    }
}

/// What this page is about in one short text, which changes with every event of a run that has not ended: cheap to ask
/// for, and it tells nothing but that something has changed.
///
/// # Errors
/// The store cannot be read.
pub async fn pulse(who: &Authorised<ReadRuns, Each>, web: &Web) -> Result<String, Problem> {
    let pulse = format!("{} {}", web.store().pulse().await?, who.policy().digest);
    Ok(crate::id::Digest::of(pulse.as_bytes()).short())
}
