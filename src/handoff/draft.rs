//! What the server drafts: facts out of the pictures of runs, gathered into items, and what is carried over from the
//! handoff before. Never a judgement: [`DraftedItem`] has no place for one.

use std::collections::BTreeMap;

use crate::handoff::record::{Carried, CarriedOver, DraftedItem, Evidence, FACTS_MAX, Fact, FactKind, Item, Severity};
use crate::handoff::state::State;
use crate::id::{HostName, ItemKey, RunId, StepId};
use crate::run::event::RunEnd;
use crate::run::view::{CellStateName, Need, RunView};
use crate::run::words;

/// What was drafted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Drafted {
    pub items: Vec<DraftedItem>,
    /// Of what belongs to no item.
    pub facts: Vec<Fact>,
}

/// Drafts from `runs`: all that are not over, and those that ended in the shift. `before` is the handoff that the
/// sender received at its beginning.
pub fn draft(runs: &[RunView], before: Option<&State>) -> Drafted {
    let mut items: BTreeMap<ItemKey, DraftedItem> = BTreeMap::new();
    let mut drafted = Drafted::default();
    for run in runs {
        let facts = facts(run);
        if !facts.iter().any(|fact| fact.kind.must_be_told()) {
            drafted.facts.extend(facts);
            continue;
        }
        let key = key_of(&run.runbook);
        let item = items.entry(key.clone()).or_insert_with(|| DraftedItem {
            key,
            title: run.title.clone(),
            history: Vec::new(),
            runs: Vec::new(),
            carried: None,
        });
        item.history.extend(facts);
        item.runs.push(run.id);
    }
    for (item, times) in before.into_iter().flat_map(carried) {
        let over = carried_over(item, times, before.map_or(0, |state| state.begun_ms));
        let key = item.key.clone();
        let title = item.title.clone();
        let found = items.entry(key.clone());
        let found =
            found.or_insert_with(|| DraftedItem { key, title, history: Vec::new(), runs: Vec::new(), carried: None });
        // What an item tells of decides who may read it: it is told of for as long as the item is carried.
        let more: Vec<RunId> = item.runs.iter().filter(|run| !found.runs.contains(run)).copied().collect();
        found.runs.extend(more);
        found.carried = Some(over);
    }
    drafted.facts.truncate(FACTS_MAX);
    drafted.items = items.into_values().collect();
    for item in &mut drafted.items {
        item.history.sort_by_key(|fact| fact.kind);
        item.history.truncate(FACTS_MAX);
    }
    // What nobody knows the outcome of comes first, then what failed, then what goes on.
    drafted.items.sort_by_key(|item| item.history.first().map_or(FactKind::SucceededRun, |fact| fact.kind));
    drafted
}

/// The key under which runs of a runbook are one item, in this handoff and in the next.
pub fn key_of(runbook: &str) -> ItemKey {
    let key: String = runbook.to_lowercase().replace('/', ".");
    key.parse().expect("a runbook's path in lower case is a key, with its slashes as dots")
}

/// What one run brings.
fn facts(run: &RunView) -> Vec<Fact> {
    let mut facts = unknown_outcomes(run);
    let place = place(run);
    let title = &run.title;
    match (&run.waiting, run.end) {
        (Some(Need::Approve(asked)), _) => {
            let text = format!("{title} on {place} waits for approval of {}", asked.step);
            facts.push(fact(FactKind::WaitingApproval, text, run, Some(&asked.step), None));
        }
        (Some(need), _) => {
            let text = format!("{title} on {place} waits for {}", words::waiting(need));
            facts.push(fact(FactKind::UnfinishedRun, text, run, run.current.as_ref(), None));
        }
        (None, None) => {
            let text = format!("{title} on {place} is still running{}", at_step(run));
            facts.push(fact(FactKind::UnfinishedRun, text, run, run.current.as_ref(), None));
        }
        (None, Some(end)) => facts.push(ended(run, end, &place)),
    }
    if run.end.is_none() {
        facts.push(fact(FactKind::Wheel, format!("{} drives it", run.driver), run, None, None));
        if !run.locks.is_empty() {
            let text =
                format!("It holds {} on {place}: nothing else that wants it can start there", run.locks.join(", "));
            facts.push(fact(FactKind::HeldLocks, text, run, None, None));
        }
    }
    if let Some(reason) = &run.override_reason {
        let text = match run.overridden_windows.as_slice() {
            [] => format!("{title} on {place} was started against its guard: {reason}"),
            windows => format!("{title} on {place} went on against the window {}: {reason}", windows.join(", ")),
        };
        facts.push(fact(FactKind::OverriddenGuard, text, run, None, None));
    }
    facts
}

fn unknown_outcomes(run: &RunView) -> Vec<Fact> {
    let cells = run.steps.iter().flat_map(|step| step.cells.iter().map(move |cell| (step, cell)));
    let unknown = cells.filter(|(_, cell)| cell.state == CellStateName::Unknown && run.end.is_none());
    unknown
        .map(|(step, cell)| {
            let text = format!("Nobody knows whether “{}” was done on {}: somebody has to look", step.name, cell.host);
            fact(FactKind::UnknownOutcome, text, run, Some(&step.id), Some(&cell.host))
        })
        .collect()
}

fn ended(run: &RunView, end: RunEnd, place: &str) -> Fact {
    let title = &run.title;
    let because = run.ended_because.as_deref().filter(|because| !because.is_empty());
    let because = because.map(|because| format!(": {because}")).unwrap_or_default();
    let (kind, text) = match end {
        RunEnd::Succeeded => (FactKind::SucceededRun, format!("{title} on {place} succeeded")),
        RunEnd::Failed | RunEnd::Refused => (FactKind::FailedRun, format!("{title} on {place} failed{because}")),
        RunEnd::Aborted => (FactKind::AbortedRun, format!("{title} on {place} was aborted{because}")),
    };
    fact(kind, text, run, None, None)
}

fn at_step(run: &RunView) -> String {
    let current = run.current.as_ref().and_then(|current| run.steps.iter().find(|step| step.id == *current));
    current.map(|step| format!(", at “{}”", step.name)).unwrap_or_default()
}

fn fact(kind: FactKind, text: String, run: &RunView, step: Option<&StepId>, host: Option<&HostName>) -> Fact {
    let evidence = Evidence { run: run.id, step: step.cloned(), host: host.cloned(), seq: run.seq };
    Fact { kind, text, evidence, was: None, hidden: None }
}

fn place(run: &RunView) -> String {
    let hosts: Vec<HostName> = run.hosts.iter().map(|host| host.name.clone()).collect();
    if hosts.is_empty() { "the server".to_owned() } else { words::names(&hosts) }
}

/// Items of the handoff before that are not over: something is to be done, or it was not stable; and which the sender
/// of the next one holds.
fn carried(before: &State) -> Vec<(&Item, u32)> {
    let holds = |item: &&Item| before.custody.get(&item.key).is_some_and(|custody| before.is_receiver(&custody.holder));
    let is_open =
        |item: &&Item| item.severity != Some(Severity::Stable) || item.actions.iter().any(|action| !action.done);
    let open = before.record.items.iter().filter(holds).filter(is_open);
    open.map(|item| (item, item.carried.as_ref().map_or(1, |carried| carried.times + 1))).collect()
}

fn carried_over(item: &Item, times: u32, begun_ms: i64) -> CarriedOver {
    let since_ms = item.carried.as_ref().map_or(begun_ms, |carried| carried.since_ms);
    CarriedOver {
        carried: Carried { times, since_ms, was: item.severity },
        statement: item.summary.statement.clone(),
        tried: item.summary.tried.clone(),
        actions: item.actions.iter().filter(|action| !action.done).cloned().collect(),
        contingencies: item.contingencies.clone(),
    }
}
