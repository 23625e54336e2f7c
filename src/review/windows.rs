//! `oncall.yaml`: when nothing may change, who is on call, and whom a page reaches.

use std::collections::BTreeMap;

use super::{Changes, Rating};
use crate::oncall::{Oncall, Window};

pub(super) fn compare(before: &Oncall, after: &Oncall) -> Changes {
    let mut changes = Changes::default();
    windows(&before.windows, &after.windows, &mut changes);
    let why = "others may be on call, which guards ask for";
    named("rotation", &before.rotations, &after.rotations, why, &mut changes);
    named("feed", &before.feeds, &after.feeds, why, &mut changes);
    named("chain", &before.chains, &after.chains, "a page reaches others", &mut changes);
    changes.at("overrides");
    if before.overrides != after.overrides {
        changes.note(Rating::MoreDangerous, "they are others", why);
    }
    changes.at("people");
    if before.people != after.people {
        changes.note(Rating::MoreDangerous, "the names of calendars mean others", why);
    }
    changes
}

/// What of a kind came, went, or became another.
fn named<T: PartialEq>(
    kind: &str,
    before: &BTreeMap<String, T>,
    after: &BTreeMap<String, T>,
    why: &str,
    changes: &mut Changes,
) {
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    for name in names {
        let what = match (before.get(name), after.get(name)) {
            (Some(_), None) => "it is gone",
            (None, Some(_)) => "it is new",
            (Some(was), Some(is)) if was != is => "it is another",
            _ => continue,
        };
        changes.at(format!("{kind} {name}")).note(Rating::MoreDangerous, what, why);
    }
}

fn windows(before: &BTreeMap<String, Window>, after: &BTreeMap<String, Window>, changes: &mut Changes) {
    for (name, old) in before {
        changes.at(format!("window {name}"));
        match after.get(name) {
            None => changes.note(
                Rating::Safer,
                "it is gone",
                "runbooks that name it are held until it means something again",
            ),
            Some(new) if old.spans != new.spans => changes.note(
                Rating::MoreDangerous,
                "its times are others",
                "changes may be possible when they were not; weigh the new times",
            ),
            Some(new) => changes.wording("its reason", &old.why, &new.why),
        }
    }
    for name in after.keys().filter(|name| !before.contains_key(*name)) {
        changes.at(format!("window {name}"));
        changes.note(Rating::Same, "it is new", "it holds where a runbook names it");
    }
}
