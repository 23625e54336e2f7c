//! Q5: each action has an owner, and is due at a moment of the next shift.

use super::is_blank;
use super::{Check, Finding, World};
use crate::handoff::record::Action;
use crate::handoff::state::State;

pub const CHECK: Check = Check { id: "Q5", title: "Each action has an owner and is due within the next shift", run };

/// The next shift is as long as this one at most, and never shorter than a day's planning.
const NEXT_SHIFT_MIN_MS: i64 = 12 * 3_600_000;

fn run(state: &State, _world: &World) -> Vec<Finding> {
    let shift = &state.shift;
    let ends_ms = shift.ends_ms + (shift.ends_ms - shift.starts_ms).max(NEXT_SHIFT_MIN_MS);
    let open = state.record.items.iter().flat_map(|item| item.actions.iter().map(move |action| (item, action)));
    open.filter(|(_, action)| !action.done)
        .filter_map(|(item, action)| Some(Finding::error("Q5", wrong(action, ends_ms)?).about(item)))
        .collect()
}

fn wrong(action: &Action, ends_ms: i64) -> Option<String> {
    let what = &action.text;
    if is_blank(&action.owner) {
        return Some(format!("“{what}” has no owner: name a person"));
    }
    match &action.due {
        None => Some(format!("“{what}” has no time: write 2026-11-25 07:30 Europe/Berlin")),
        Some(due) if due.at_ms > ends_ms => {
            Some(format!("“{what}” is due after the next shift: put it into the backlog"))
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handoff::checks::sample::{finds, finds_in};

    #[test]
    fn an_action_without_owner_or_time_or_of_next_week_is_named() {
        assert_eq!(finds(&CHECK, |_| {}), "");
        assert!(finds(&CHECK, |item| item.actions[0].owner.clear()).contains("no owner"));
        assert!(finds(&CHECK, |item| item.actions[0].due = None).contains("no time"));
        let late = |item: &mut crate::handoff::record::Item| {
            item.actions[0].due = crate::handoff::due::Due::parse("2026-12-24 18:00 UTC").ok();
        };
        assert!(finds(&CHECK, late).contains("backlog"));
        assert_eq!(finds_in(&CHECK, |state, _| state.record.items[0].actions[0].done = true), "");
    }
}
