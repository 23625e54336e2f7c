//! Inputs: what a person at the start may put into commands.

use super::{Changes, Rating};
use crate::runbook::model::{Input, InputKind, Value};

pub(super) fn compare(before: &[Input], after: &[Input], changes: &mut Changes) {
    for new in after {
        changes.at(format!("input {}", new.name));
        match before.iter().find(|old| old.name == new.name) {
            None => changes.note(Rating::Same, "it is new", "what uses it stands with the steps"),
            Some(old) => input(old, new, changes),
        }
    }
    for old in before.iter().filter(|old| !after.iter().any(|new| new.name == old.name)) {
        changes.at(format!("input {}", old.name));
        changes.note(Rating::Same, "it is gone", "what used it stands with the steps");
    }
}

fn input(old: &Input, new: &Input, changes: &mut Changes) {
    kind(&old.kind, &new.kind, changes);
    changes.hold("its pattern", [old.pattern.as_ref(), new.pattern.as_ref()], "it bounds what may be typed");
    let why = "it bounds what may be typed";
    changes.limit("the largest value", [old.max, new.max], ToString::to_string, why);
    changes.limit(
        "the smallest value",
        [old.min, new.min].map(|min| min.map(|min| -min)),
        |min| (-min).to_string(),
        why,
    );
    let words = |value: &Option<Value>| value.as_ref().map_or_else(|| "none".to_owned(), |value| format!("{value:?}"));
    let why = "it is what runs when nobody types another";
    changes.decides(Rating::MoreDangerous, "default", &words(&old.default), &words(&new.default), why);
    match (old.required, new.required) {
        (true, false) => {
            changes.note(Rating::MoreDangerous, "it may be left out", "an empty value reaches the commands");
        }
        (false, true) => changes.note(Rating::Safer, "it must be given", "no empty value reaches the commands"),
        _ => {}
    }
    if old.from_secret != new.from_secret {
        changes.note(
            Rating::MoreDangerous,
            "it is filled from another secret",
            "another credential reaches the commands",
        );
    }
    if old.from_alert != new.from_alert {
        changes.note(
            Rating::MoreDangerous,
            "it is filled from another field of alerts",
            "whoever sends alerts fills it",
        );
    }
    changes.wording("its description", &old.description, &new.description);
}

fn kind(old: &InputKind, new: &InputKind, changes: &mut Changes) {
    match (old, new) {
        (InputKind::Choice(before), InputKind::Choice(after)) => {
            for more in after.iter().filter(|choice| !before.contains(choice)) {
                changes.note(Rating::MoreDangerous, format!("{more} may be chosen"), "more can be asked for");
            }
            for fewer in before.iter().filter(|choice| !after.contains(choice)) {
                changes.note(Rating::Safer, format!("{fewer} cannot be chosen any more"), "less can be asked for");
            }
        }
        (InputKind::Secret, other) if *other != InputKind::Secret => {
            changes.note(Rating::MoreDangerous, "it is no secret any more", "its value is stored and shown");
        }
        (before, InputKind::Secret) if *before != InputKind::Secret => {
            changes.note(Rating::Safer, "it is a secret now", "its value is neither stored nor shown");
        }
        (before, after) if before != after => {
            let rating = if *after == InputKind::String { Rating::MoreDangerous } else { Rating::Safer };
            changes.note(rating, "its type is another", "it bounds what may be typed");
        }
        _ => {}
    }
}
