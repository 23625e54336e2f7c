//! Windows of `oncall.yaml`: when nothing may change.

use std::collections::BTreeMap;

use super::{Changes, Rating};
use crate::oncall::Window;

pub(super) fn compare(before: &BTreeMap<String, Window>, after: &BTreeMap<String, Window>) -> Changes {
    let mut changes = Changes::default();
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
    changes
}
