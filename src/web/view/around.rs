//! What stands around a run and is not of its log: who looks on, what it waits for since when, who nudged, how long it
//! usually takes.

use serde::Serialize;

use crate::run::event::Actor;
use crate::run::plan::Part;
use crate::run::view::{Need, RunView};
use crate::run::words;
use crate::web::format::{self, Moment};
use crate::web::view::rights::Rights;

/// Whoever waited this long has lost the thread: the page says where they are.
const IDLE_MS: i64 = 10 * 60_000;

/// Names of those who look on; the others are counted.
const WATCHERS_NAMED_MAX: usize = 3;

/// What the store and the server know besides the run's own log.
#[derive(Debug, Clone, Default)]
pub struct Around {
    pub now_ms: i64,
    /// When the last event of the run was stored.
    pub last_event_ms: Option<i64>,
    /// What the runbook's last successful runs took.
    pub usual_ms: Option<i64>,
    /// Who has the page open now.
    pub watchers: Vec<String>,
    pub nudge: Option<Nudged>,
}

/// Somebody said that the run waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nudged {
    pub by: String,
    pub at_ms: i64,
}

/// Who is at a run, and whom it waits for.
#[derive(Debug, Clone, Serialize)]
pub struct People {
    pub driver: String,
    /// `you drive`, or `user:anna drives`.
    pub drives: String,
    /// `user:ben and user:cleo watch`; empty if nobody else does.
    pub watch: String,
    pub waits: Option<Waits>,
}

/// The run stands still until somebody acts.
#[derive(Debug, Clone, Serialize)]
pub struct Waits {
    pub run: String,
    /// `you`, `user:anna`, `somebody of team:web`.
    pub whom: String,
    pub is_for_viewer: bool,
    pub since: Option<Moment>,
    pub may_nudge: bool,
    pub nudge: Option<NudgeNote>,
}

#[derive(Debug, Clone, Serialize)]
pub struct NudgeNote {
    pub by: String,
    pub at: Moment,
}

impl People {
    pub fn new(view: &RunView, viewer: &Actor, around: &Around) -> Self {
        let is_driver = view.driver == *viewer;
        let others: Vec<&str> = around
            .watchers
            .iter()
            .map(String::as_str)
            .filter(|name| *name != viewer.0 && *name != view.driver.0)
            .collect();
        Self {
            driver: view.driver.to_string(),
            drives: if is_driver { "You drive".to_owned() } else { format!("{} drives", view.driver) },
            watch: watch_words(&others),
            waits: Waits::new(view, viewer, around),
        }
    }
}

fn watch_words(others: &[&str]) -> String {
    match others {
        [] => String::new(),
        [one] => format!("{one} watches"),
        many if many.len() <= WATCHERS_NAMED_MAX => format!("{} watch", format::names(many.iter().copied())),
        many => format!("{} watch", format::count(many.len(), "other", "others")),
    }
}

impl Waits {
    fn new(view: &RunView, viewer: &Actor, around: &Around) -> Option<Self> {
        let need = view.waiting.as_ref().filter(|_| view.ended_at_ms.is_none())?;
        let (whom, is_for_viewer, since_ms) = match need {
            // It goes on by itself.
            Need::Window { .. } | Need::Storage { .. } => return None,
            Need::Approve(asked) => {
                let whom = if asked.from.is_empty() {
                    "somebody who may approve".to_owned()
                } else {
                    format!("somebody of {}", asked.from.join(", "))
                };
                (whom, false, Some(asked.asked_at_ms))
            }
            _ if view.driver == *viewer => ("you".to_owned(), true, around.last_event_ms),
            _ => (view.driver.to_string(), false, around.last_event_ms),
        };
        // What was said about an earlier question is over with it.
        let nudge = around.nudge.as_ref().filter(|nudge| since_ms.is_none_or(|since_ms| nudge.at_ms >= since_ms));
        Some(Self {
            run: view.id.to_string(),
            whom,
            is_for_viewer,
            since: since_ms.map(|since_ms| Moment::new(since_ms, around.now_ms)),
            may_nudge: !is_for_viewer,
            nudge: nudge.map(|nudge| NudgeNote { by: nudge.by.clone(), at: Moment::new(nudge.at_ms, around.now_ms) }),
        })
    }
}

/// What the viewer is needed for, in a sentence for the title and for a notification; empty if they are not.
pub fn needs(view: &RunView, viewer: &Actor, rights: Rights) -> String {
    let Some(need) = view.waiting.as_ref().filter(|_| view.ended_at_ms.is_none()) else { return String::new() };
    let is_needed = match need {
        Need::Window { .. } | Need::Storage { .. } => false,
        Need::Approve(asked) => rights.approve && asked.asked_by != *viewer,
        _ => rights.act && view.driver == *viewer,
    };
    if is_needed { format!("{} waits for {}", view.title, words::waiting(need)) } else { String::new() }
}

/// Where somebody is who has not looked for a while.
pub fn idle_words(view: &RunView, around: &Around) -> Option<String> {
    view.waiting.as_ref().filter(|_| view.ended_at_ms.is_none())?;
    if around.now_ms - around.last_event_ms? < IDLE_MS {
        return None;
    }
    let steps: Vec<_> = view.steps.iter().filter(|step| step.part == Part::Step).collect();
    let current = view.current.as_ref()?;
    let at = steps.iter().position(|step| step.id == *current)?;
    let here = format!("You are at step {}.", steps[at].number);
    let before = steps[..at].iter().rev().find_map(|step| Some((step.number, step.ended_at_ms?)));
    Some(match before {
        Some((number, ended_at_ms)) => {
            format!("{here} Step {number} ended {}.", format::ago(around.now_ms - ended_at_ms))
        }
        None => format!("{here} Nothing happened since {}.", format::ago(around.now_ms - around.last_event_ms?)),
    })
}

/// In the middle of what the last runs took: one that hung over a weekend says nothing about the others.
pub fn median_ms(mut durations_ms: Vec<i64>) -> Option<i64> {
    durations_ms.sort_unstable();
    durations_ms.get(durations_ms.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_run_that_hung_does_not_change_what_is_usual() {
        assert_eq!(median_ms(vec![60, 50, 900_000]), Some(60));
        assert_eq!(median_ms(Vec::new()), None);
    }

    #[test]
    fn who_watches_is_named_until_there_are_too_many() {
        assert_eq!(watch_words(&["user:ben"]), "user:ben watches");
        assert_eq!(watch_words(&["user:ben", "user:cleo"]), "user:ben and user:cleo watch");
        assert_eq!(watch_words(&["a", "b", "c", "d"]), "4 others watch");
    }
}
